// Passes of batch normalisation for training, on values [pixels, channels] float32; channels are a multiple of kLanes.

#include "lanes.h"

namespace {

struct Normalisation {
    const float* x;
    const float* y;     // may be null where `mix` has no factor for it
    const float* x_factor;  // [channels]
    const float* y_factor;
    const float* shift;
    float* out;
    double* totals;     // [2, channels]: sum of x, sum of x * y
    int64_t pixels, channels;
};

constexpr int64_t kPixels = 512;  // of a chunk: a few hundred kilobytes

int64_t n_chunks(const Normalisation& k) { return (k.pixels + kPixels - 1) / kPixels; }

}  // namespace

extern "C" {

// totals: sums over all pixels of x and of x * y.
int32_t neuronas_channel_totals(const Normalisation* normalisation, int32_t threads) {
    return answer([&] {
        const Normalisation k = *normalisation;
        if (k.channels % kLanes) return kUnknown;
        const int64_t n = 2 * k.channels;
        std::vector<double> found(n_chunks(k) * n);
        parallel_for(n_chunks(k), threads, [&](int64_t chunk, int) {
            double* to = found.data() + chunk * n;
            const int64_t first = chunk * kPixels, last = std::min(first + kPixels, k.pixels);
            for (int64_t from = first; from < last; from += kRun)
                for (int64_t c = 0; c < k.channels; c += kLanes) {
                    Lanes sum = {}, product = {};
                    for (int64_t at = from * k.channels + c, i = from; i < std::min(from + kRun, last); ++i, at += k.channels) {
                        const Lanes x = load(k.x + at);
                        sum += x;
                        product += x * load(k.y + at);
                    }
                    add_to(to + c, sum);
                    add_to(to + k.channels + c, product);
                }
        });
        std::fill(k.totals, k.totals + n, 0.0);
        for (int64_t i = 0; i < static_cast<int64_t>(found.size()); ++i) k.totals[i % n] += found[i];
        return 0;
    });
}

// out = x_factor * x + y_factor * y + shift, or without y.
int32_t neuronas_channel_mix(const Normalisation* normalisation, int32_t threads) {
    return answer([&] {
        const Normalisation k = *normalisation;
        if (k.channels % kLanes) return kUnknown;
        parallel_for(n_chunks(k), threads, [&](int64_t chunk, int) {
            const int64_t last = std::min((chunk + 1) * kPixels, k.pixels);
            for (int64_t i = chunk * kPixels; i < last; ++i)
                for (int64_t c = 0, at = i * k.channels; c < k.channels; c += kLanes, at += kLanes) {
                    Lanes value = load(k.x_factor + c) * load(k.x + at) + load(k.shift + c);
                    if (k.y) value += load(k.y_factor + c) * load(k.y + at);
                    store(k.out + at, value);
                }
        });
        return 0;
    });
}

}  // extern "C"
