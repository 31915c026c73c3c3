/* Self-test: {{ frames | length }} images, whose scores and spikes of every layer have to be those of neuronas's interpreter. */
#include <stdio.h>

#include "neuronas.h"
#include "trace.h"

#define N_IMAGES {{ frames | length }}

static const uint8_t frames[N_IMAGES][NEURONAS_PIXELS] = {
{% for one in frames %}
    {
{{ one }}
    },
{% endfor %}
};

static const int32_t expected_scores[N_IMAGES][NEURONAS_CLASSES] = {
{% for one in scores %}
    { {{ one | join(", ") }} },
{% endfor %}
};

static const uint32_t expected_spikes[N_IMAGES][NEURONAS_LAYERS + 1] = {
{% for one in hashes %}
    { {{ one | join(", ") }} },
{% endfor %}
};

int main(void)
{
    int image, i, n_wrong = 0;
    for (image = 0; image < N_IMAGES; image++) {
        neuronas_reset();
        trace_reset();
        for (i = 0; i < NEURONAS_TIMESTEPS; i++)
            neuronas_step(i ? NULL : frames[image]);
        for (i = 0; i < NEURONAS_CLASSES; i++)
            if (neuronas_scores()[i] != expected_scores[image][i]) {
                printf("image %d, class %d: score %ld, expected %ld\n", image, i, (long)neuronas_scores()[i],
                       (long)expected_scores[image][i]);
                n_wrong++;
            }
        for (i = 0; i < NEURONAS_LAYERS; i++)
            if (trace[i] != expected_spikes[image][i]) {
                printf("image %d, layer %d: spikes differ\n", image, i);
                n_wrong++;
            }
    }
    printf("%d images, %d differences\n", N_IMAGES, n_wrong);
    return n_wrong > 0;
}
