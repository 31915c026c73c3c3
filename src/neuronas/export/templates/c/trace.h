/* Digests of the spikes of each layer: 32-bit FNV-1a over bytes of eight spikes, the first in the highest bit. */
#ifndef TRACE_H
#define TRACE_H

#include "neuronas.h"

static uint32_t trace[NEURONAS_LAYERS + 1];

static void trace_reset(void)
{
    int i;
    for (i = 0; i < NEURONAS_LAYERS; i++)
        trace[i] = UINT32_C(2166136261);
}

void neuronas_trace(int layer, const int8_t *spikes, int32_t n)
{
    int32_t i, j;
    for (i = 0; i < n; i += 8) {
        uint32_t byte = 0;
        for (j = 0; j < 8; j++)
            byte = byte << 1 | (i + j < n ? (uint32_t)spikes[i + j] : 0u);
        trace[layer] = (trace[layer] ^ byte) * UINT32_C(16777619);
    }
}

#endif
