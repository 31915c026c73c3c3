/* {{ about }}

   Integers of 8, 16 and 32 bits only; no memory is allocated and no library is called. One network, not reentrant. */
#ifndef NEURONAS_H
#define NEURONAS_H

#include <stdint.h>

#define NEURONAS_HEIGHT {{ height }}
#define NEURONAS_WIDTH {{ width }}
#define NEURONAS_CHANNELS {{ channels }}
#define NEURONAS_PIXELS {{ height * width * channels }}
#define NEURONAS_CLASSES {{ n_classes }}
#define NEURONAS_TIMESTEPS {{ timesteps }}
{% if n_frames > 1 %}
#define NEURONAS_FRAMES {{ n_frames }} /* of an input: each time step has its own */
{% else %}
#define NEURONAS_FRAMES 1 /* of an input */
{% endif %}
#define NEURONAS_LAYERS {{ layers | length }} /* of neurons: {{ layers | join(", ") }} */

/* Reset all state. Call it before each {{ "sequence" if is_sequence else "image" }}. */
void neuronas_reset(void);

{% if is_sequence %}
/* Compute one time step. frame: its pixels from 0 to 255, row by row, channels last; never null. */
{% else %}
/* Compute one time step. frame: pixels from 0 to 255, row by row, channels last;
   null: the frame of the previous time step (values that depend on it alone are not recomputed). */
{% endif %}
void neuronas_step(const uint8_t *frame);

/* Scores of the classes since the reset, summed over the time steps; multiplied by {{ unit }} they equal the network's. */
const int32_t *neuronas_scores(void);

/* The class with the highest score; the first of equal ones. */
int neuronas_class(void);

#ifdef NEURONAS_TRACE
/* To be defined by the caller; called with the n spikes (0 or 1) of each layer, by row, column and channel. */
void neuronas_trace(int layer, const int8_t *spikes, int32_t n);
#endif

#endif
