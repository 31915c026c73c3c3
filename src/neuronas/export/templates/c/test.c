/* Self-test: {{ inputs | length }} inputs; scores and spikes of every layer must equal those of neuronas's interpreter. */
#include <stdio.h>

#include "neuronas.h"
#include "trace.h"

#define N_INPUTS {{ inputs | length }}

static const uint8_t frames[N_INPUTS][NEURONAS_FRAMES][NEURONAS_PIXELS] = {
{% for one in inputs %}
    {
{% for frame in one %}
        {
{{ frame }}
        },
{% endfor %}
    },
{% endfor %}
};

static const int32_t expected_scores[N_INPUTS][NEURONAS_CLASSES] = {
{% for one in scores %}
    { {{ one | join(", ") }} },
{% endfor %}
};

static const uint32_t expected_spikes[N_INPUTS][NEURONAS_LAYERS + 1] = {
{% for one in hashes %}
    { {{ one | join(", ") }} },
{% endfor %}
};

int main(void)
{
    int input, i, n_wrong = 0;
    for (input = 0; input < N_INPUTS; input++) {
        neuronas_reset();
        trace_reset();
        for (i = 0; i < NEURONAS_TIMESTEPS; i++)
            neuronas_step(i < NEURONAS_FRAMES ? frames[input][i] : NULL);
        for (i = 0; i < NEURONAS_CLASSES; i++)
            if (neuronas_scores()[i] != expected_scores[input][i]) {
                printf("input %d, class %d: score %ld, expected %ld\n", input, i, (long)neuronas_scores()[i],
                       (long)expected_scores[input][i]);
                n_wrong++;
            }
        for (i = 0; i < NEURONAS_LAYERS; i++)
            if (trace[i] != expected_spikes[input][i]) {
                printf("input %d, layer %d: spikes differ\n", input, i);
                n_wrong++;
            }
    }
    printf("%d inputs, %d differences\n", N_INPUTS, n_wrong);
    return n_wrong > 0;
}
