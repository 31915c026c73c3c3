// Batch normalisation in training, on values [pixels, channels] float32; channels are a multiple of kFewestLanes.

#include "lanes.h"

namespace {

struct Normalisation {
    const float* x;
    const float* gradient;  // backward: gradient of the result
    float* out;             // normalised values, or gradient of x
    double* totals;         // [2, channels]: sums of x and x * x, or of the gradient and gradient * x, over n values
    const float* gain;      // [channels], like the following pointers
    const float* bias;
    double* mean;
    double* deviation;      // 1 / sqrt(variance + epsilon)
    float* running_mean;    // null: not updated
    float* running_variance;
    int64_t pixels, channels, n;
    double epsilon, momentum;
};

constexpr int64_t kPixels = 512;  // pixels per chunk: a few hundred kilobytes

int64_t n_chunks(const Normalisation& k) { return (k.pixels + kPixels - 1) / kPixels; }

template <typename Vector>
void total(const Normalisation& k, const float* by, int64_t chunk, double* to) {
    const float* of = k.gradient ? k.gradient : k.x;
    const int64_t first = chunk * kPixels, last = std::min(first + kPixels, k.pixels);
    for (int64_t from = first; from < last; from += kRun)
        for (int64_t c = 0; c < k.channels; c += kLanesOf<Vector>) {
            Vector sum = {}, product = {};
            for (int64_t at = from * k.channels + c, i = from; i < std::min(from + kRun, last); ++i, at += k.channels) {
                const Vector x = load_as<Vector>(of + at);
                sum += x;
                product += x * load_as<Vector>(by + at);
            }
            add_to(to + c, sum);
            add_to(to + k.channels + c, product);
        }
}

// out = x_factor * x + gradient_factor * gradient + shift, for all pixels of a chunk.
template <typename Vector>
void mix(const Normalisation& k, const float* factors, int64_t chunk) {
    const float *of_x = factors, *of_gradient = factors + k.channels, *shift = factors + 2 * k.channels;
    const int64_t last = std::min((chunk + 1) * kPixels, k.pixels);
    for (int64_t i = chunk * kPixels; i < last; ++i)
        for (int64_t c = 0, at = i * k.channels; c < k.channels; c += kLanesOf<Vector>, at += kLanesOf<Vector>) {
            Vector value = load_as<Vector>(of_x + c) * load_as<Vector>(k.x + at) + load_as<Vector>(shift + c);
            if (k.gradient) value += load_as<Vector>(of_gradient + c) * load_as<Vector>(k.gradient + at);
            store(k.out + at, value);
        }
}

void mix(const Normalisation& k, const std::vector<float>& factors, int32_t threads) {
    with_lanes(k.channels, [&](auto vector) {
        parallel_for(n_chunks(k), threads, [&](int64_t chunk, int) { mix<decltype(vector)>(k, factors.data(), chunk); });
    });
}

}  // namespace

extern "C" {

// totals: sums over all pixels of x and of x * x; with a gradient: of the gradient and of gradient * x.
int32_t neuronas_channel_totals(const Normalisation* normalisation, int32_t threads) {
    return answer([&] {
        const Normalisation k = *normalisation;
        if (k.channels % kFewestLanes) return kUnknown;
        const int64_t n = 2 * k.channels;
        std::vector<double> found(n_chunks(k) * n);
        with_lanes(k.channels, [&](auto vector) {
            parallel_for(n_chunks(k), threads, [&](int64_t chunk, int) {
                total<decltype(vector)>(k, k.x, chunk, found.data() + chunk * n);
            });
        });
        std::fill(k.totals, k.totals + n, 0.0);
        for (int64_t i = 0; i < static_cast<int64_t>(found.size()); ++i) k.totals[i % n] += found[i];
        return 0;
    });
}

// Mean and deviation from the totals, out = gain * (x - mean) * deviation + bias, update of the running statistics.
int32_t neuronas_normalise(const Normalisation* normalisation, int32_t threads) {
    return answer([&] {
        Normalisation k = *normalisation;
        if (k.channels % kFewestLanes || k.n < 2) return kUnknown;
        const double n = static_cast<double>(k.n);
        std::vector<float> factors(3 * k.channels);
        for (int64_t c = 0; c < k.channels; ++c) {
            const double mean = k.totals[c] / n;
            const double variance = std::max(0.0, k.totals[k.channels + c] / n - mean * mean);  // rounding can make it < 0
            const double deviation = 1 / std::sqrt(variance + k.epsilon), scale = k.gain[c] * deviation;
            k.mean[c] = mean, k.deviation[c] = deviation;
            factors[c] = static_cast<float>(scale);
            factors[2 * k.channels + c] = static_cast<float>(k.bias[c] - mean * scale);
            if (!k.running_mean) continue;
            const double unbiased = variance * n / (n - 1);
            k.running_mean[c] += static_cast<float>(k.momentum * (mean - k.running_mean[c]));
            k.running_variance[c] += static_cast<float>(k.momentum * (unbiased - k.running_variance[c]));
        }
        k.gradient = nullptr;
        mix(k, factors, threads);
        return 0;
    });
}

// The gradient of x, from the gradient of the result and the totals over all n values.
int32_t neuronas_normalise_gradient(const Normalisation* normalisation, int32_t threads) {
    return answer([&] {
        const Normalisation k = *normalisation;
        if (k.channels % kFewestLanes) return kUnknown;
        const double n = static_cast<double>(k.n);
        std::vector<float> factors(3 * k.channels);
        for (int64_t c = 0; c < k.channels; ++c) {
            const double scale = k.gain[c] * k.deviation[c], sum = k.totals[c], product = k.totals[k.channels + c];
            const double slope = -scale * k.deviation[c] * k.deviation[c] * (product - k.mean[c] * sum) / n;
            factors[c] = static_cast<float>(slope);
            factors[k.channels + c] = static_cast<float>(scale);
            factors[2 * k.channels + c] = static_cast<float>(-scale * sum / n - slope * k.mean[c]);
        }
        mix(k, factors, threads);
        return 0;
    });
}

}  // extern "C"
