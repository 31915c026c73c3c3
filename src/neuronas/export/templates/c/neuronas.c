/* {{ about }}

   Semantics: integer-only arithmetic of neuronas {{ version }} (docs/reference/export-formats.md).
   All sums fit in 32 bits. */
#include "neuronas.h"

#ifdef NEURONAS_TRACE
#define TRACE(layer, spikes, n) neuronas_trace(layer, spikes, n)
#else
#define TRACE(layer, spikes, n) ((void)0)
#endif

{% for array in arrays %}
static const int{{ array.bits }}_t {{ array.name }}[{{ array.n }}] = { /* {{ array.what }} */
{{ array.text }}
};
{% endfor %}

/* Values of the layers; layers share places. */
{% for bits, size in sizes if size %}
static int{{ bits }}_t value{{ bits }}[{{ size }}];
{% endfor %}
{% for bits, size in delay_sizes if size %}
static int{{ bits }}_t delay{{ bits }}[{{ size }}]; /* values of the previous time step */
{% endfor %}
{% for one in membranes %}
static int16_t {{ one.name }}[{{ one.n }}]; /* {{ one.what }} */
{% endfor %}
static int32_t scores[NEURONAS_CLASSES];
{% if counts_steps %}
static int16_t n_steps; /* since the reset, at most {{ counts_steps }} */
{% endif %}

{% if "shifted" in helpers %}
/* x / 2**n, rounded down. */
static int32_t shifted(int32_t x, int n)
{
    return x < 0 ? ~(~x >> n) : x >> n;
}

{% endif %}
{% if "divided" in helpers %}
/* x / n, rounded down. */
static int32_t divided(int32_t x, int32_t n)
{
    return x / n - (x % n < 0);
}

{% endif %}
{% for one in program %}
/* {{ one.name }}: {{ one.what }} */
static void layer_{{ one.number }}({% if one.kind == "image" %}const uint8_t *frame{% else %}void{% endif %})
{
{% if one.kind == "image" %}
    int32_t i{% if one.channels > 1 %}, c{% endif %};
    for (i = 0; i < {{ one.pixels }}; i++)
{% if one.channels > 1 %}
        for (c = 0; c < {{ one.channels }}; c++)
            {{ one.out }}[i * {{ one.channels }} + c] = (int{{ one.bits }}_t)shifted((int32_t)frame[i * {{ one.channels }} + c] * {{ one.multiplier }} + {{ one.offset }}, {{ one.shift }});
{% else %}
        {{ one.out }}[i] = (int{{ one.bits }}_t)shifted((int32_t)frame[i] * {{ one.multiplier }} + {{ one.offset }}, {{ one.shift }});
{% endif %}
{% elif one.kind == "weights" %}
    int32_t {% if one.kernel %}row, column, i, j, {% endif %}c, o;
{% if one.kernel %}
    for (row = 0; row < {{ one.rows }}; row++)
    for (column = 0; column < {{ one.columns }}; column++) {
        int{{ one.sum_bits }}_t sum[{{ one.n_out }}] = {0};
        for (i = 0; i < {{ one.kernel }}; i++) {
            const int32_t y = row * {{ one.stride }} + i - {{ one.padding }};
            if (y < 0 || y >= {{ one.in_rows }})
                continue;
            for (j = 0; j < {{ one.kernel }}; j++) {
                const int32_t x = column * {{ one.stride }} + j - {{ one.padding }};
                const int{{ one.in_bits }}_t *in;
                const int{{ one.code_bits }}_t *w = {{ one.codes }} + (i * {{ one.kernel }} + j) * {{ one.n_in * one.per_group }};
                if (x < 0 || x >= {{ one.in_columns }})
                    continue;
                in = {{ one.source }} + (y * {{ one.in_columns }} + x) * {{ one.n_in }};
                for (c = 0; c < {{ one.n_in }}; c++, w += {{ one.per_group }})
                    if (in[c])
                        for (o = 0; o < {{ one.per_group }}; o++)
                            sum[{{ one.group }}o] += {{ one.product }};
            }
        }
        for (o = 0; o < {{ one.n_out }}; o++)
            {{ one.out }}[(row * {{ one.columns }} + column) * {{ one.n_out }} + o] = (int{{ one.bits }}_t){{ one.result }};
    }
{% else %}
    int{{ one.sum_bits }}_t sum[{{ one.n_out }}] = {0};
    const int{{ one.in_bits }}_t *in = {{ one.source }};
    const int{{ one.code_bits }}_t *w = {{ one.codes }};
    for (c = 0; c < {{ one.n_in }}; c++, w += {{ one.n_out }})
        if (in[c])
            for (o = 0; o < {{ one.n_out }}; o++)
                sum[o] += {{ one.product }};
    for (o = 0; o < {{ one.n_out }}; o++)
        {{ one.out }}[o] = (int{{ one.bits }}_t){{ one.result }};
{% endif %}
{% elif one.kind == "neurons" %}
    int32_t i{% if one.pixels > 1 %}, c, n = 0{% endif %};
{% if one.pixels > 1 %}
    for (i = 0; i < {{ one.pixels }}; i++)
    for (c = 0; c < {{ one.channels }}; c++, n++) {
{% else %}
    for (i = 0; i < {{ one.channels }}; i++) {
{% endif %}
        int32_t x = {{ one.source }}[{{ one.index }}], h;
        int fires;
{% if one.limit %}
        const int32_t limit = {{ one.limit }};
        x = x > limit ? limit : x < -limit ? -limit : x;
{% endif %}
        h = shifted((int32_t){{ one.state }}[{{ one.index }}] * {{ one.leak }} + {{ one.leak_half }}, {{ one.leak_shift }})
            + shifted(x * {{ one.multiplier }} + {{ one.half }}, {{ one.shift }});
        h = h > 32767 ? 32767 : h < -32768 ? -32768 : h;
        fires = h >= {{ one.threshold }};
        {{ one.state }}[{{ one.index }}] = (int16_t)(fires ? {{ one.reset }} : h);
        {{ one.out }}[{{ one.index }}] = (int8_t)fires;
    }
    TRACE({{ one.layer }}, {{ one.out }}, {{ one.pixels * one.channels }});
{% elif one.kind == "pool" %}
    int32_t row, column, i, j, c;
    for (row = 0; row < {{ one.rows }}; row++)
    for (column = 0; column < {{ one.columns }}; column++)
    for (c = 0; c < {{ one.channels }}; c++) {
        int32_t found = {{ one.first }};
        for (i = 0; i < {{ one.kernel[0] }}; i++)
        for (j = 0; j < {{ one.kernel[1] }}; j++) {
            const int32_t y = row * {{ one.stride[0] }} + i - {{ one.padding }}, x = column * {{ one.stride[1] }} + j - {{ one.padding }};
            if (y >= 0 && y < {{ one.in_rows }} && x >= 0 && x < {{ one.in_columns }}) {
                const int32_t one = {{ one.source }}[(y * {{ one.in_columns }} + x) * {{ one.channels }} + c];
                {{ "found = one > found ? one : found;" if one.is_max else "found += one;" }}
            }
        }
        {{ one.out }}[(row * {{ one.columns }} + column) * {{ one.channels }} + c] = (int{{ one.bits }}_t){{ one.result }};
    }
{% elif one.kind == "sum" %}
    int32_t i;
    for (i = 0; i < {{ one.n }}; i++) {
        int32_t sum = 0;
{% for term in one.terms %}
{% if term.first %}
        if (n_steps >= {{ term.first }})
    {% endif %}
        sum += {{ term.value }};
{% endfor %}
        {{ one.out }}[i] = (int{{ one.bits }}_t)sum;
    }
{% elif one.kind == "votes" %}
    int32_t i, j;
    for (i = 0; i < {{ one.n }}; i++) {
        int32_t sum = 0;
        for (j = 0; j < {{ one.size }}; j++)
            sum += {{ one.source }}[i * {{ one.size }} + j];
        {{ one.out }}[i] = (int{{ one.bits }}_t)sum;
    }
{% endif %}
}

{% endfor %}
void neuronas_reset(void)
{
    int32_t i;
{% for one in membranes %}
    for (i = 0; i < {{ one.n }}; i++)
        {{ one.name }}[i] = {{ one.reset }};
{% endfor %}
    for (i = 0; i < NEURONAS_CLASSES; i++)
        scores[i] = 0;
{% if counts_steps %}
    n_steps = 0;
{% endif %}
}

void neuronas_step(const uint8_t *frame)
{
    int32_t i;
{% if not is_sequence %}
    if (frame) {
{% for one in program if one.static %}
        layer_{{ one.number }}({% if one.kind == "image" %}frame{% endif %});
{% endfor %}
    }
{% endif %}
{% for one in program if not one.static %}
{% if one.starts %}
    if (n_steps >= {{ one.starts }})
    {% endif %}
    layer_{{ one.number }}({% if one.kind == "image" %}frame{% endif %});
{% endfor %}
{% for one in delays %}
    for (i = 0; i < {{ one.n }}; i++)
        {{ one.to }}[i] = {{ one.source }}[i];
{% endfor %}
{% if counts_steps %}
    if (n_steps < {{ counts_steps }})
        n_steps++;
{% endif %}
    for (i = 0; i < NEURONAS_CLASSES; i++)
        scores[i] += {{ last }}[i];
}

const int32_t *neuronas_scores(void)
{
    return scores;
}

int neuronas_class(void)
{
    int i, best = 0;
    for (i = 1; i < NEURONAS_CLASSES; i++)
        if (scores[i] > scores[best])
            best = i;
    return best;
}
