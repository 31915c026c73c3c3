/* Classifies inputs: ./run FILE, with one or more inputs of NEURONAS_FRAMES frames of NEURONAS_PIXELS bytes each, as
   neuronas_step takes them, one after the other.
   Prints a line for each: its class, and the scores of all classes. */
#include <stdio.h>

#include "neuronas.h"

#ifdef NEURONAS_TRACE
#include "trace.h"
#endif

int main(int n_arguments, char **arguments)
{
    static uint8_t frames[NEURONAS_FRAMES][NEURONAS_PIXELS];
    FILE *file = n_arguments == 2 ? fopen(arguments[1], "rb") : NULL;
    size_t n_read;
    int i;
    if (!file) {
        fprintf(stderr, "expected one file with inputs of %lu bytes each\n", (unsigned long)sizeof frames);
        return 2;
    }
    while ((n_read = fread(frames, 1, sizeof frames, file)) == sizeof frames) {
        neuronas_reset();
#ifdef NEURONAS_TRACE
        trace_reset();
#endif
        for (i = 0; i < NEURONAS_TIMESTEPS; i++)
            neuronas_step(i < NEURONAS_FRAMES ? frames[i] : NULL);
        printf("%d", neuronas_class());
        for (i = 0; i < NEURONAS_CLASSES; i++)
            printf(" %ld", (long)neuronas_scores()[i]);
#ifdef NEURONAS_TRACE
        printf(" |");
        for (i = 0; i < NEURONAS_LAYERS; i++)
            printf(" %08lx", (unsigned long)trace[i]);
#endif
        printf("\n");
    }
    fclose(file);
    if (n_read) {
        fprintf(stderr, "%s: ends within an input; expected a multiple of %lu bytes\n", arguments[1],
                (unsigned long)sizeof frames);
        return 2;
    }
    return 0;
}
