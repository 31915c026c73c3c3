// LIF neurons for training: forward pass over all time steps, and backward pass through time, in one pass each.
//
//     h_t = v_{t-1} + (x_t - (v_{t-1} - v_reset)) / tau,  s_t = h_t >= v_threshold,  v_t = v_reset if s_t else h_t
//
// Only the input is stored for the backward pass: h is recomputed in registers. The reset has no gradient, and ds/dh is
// a surrogate as a function of u = h - v_threshold.

#include "lanes.h"

namespace {

enum Surrogate : int32_t { kAtan = 0, kSigmoid = 1, kTriangle = 2, kRectangle = 3, kFastSigmoid = 4 };

struct Lif {
    const void* input;     // [T, n], or [1, n] if constant
    const void* gradient;  // backward: gradient of the spikes [T, n]
    void* output;          // forward: spikes [T, n]; backward: gradient of the input, in its shape
    int64_t timesteps, n;
    float tau, threshold, reset;
    int32_t constant, surrogate, is_bfloat16;
};

constexpr int64_t kChunk = 4096;  // values of one time step, so that all steps fit the second-level cache
constexpr float kPi = 3.14159265358979f;

inline float read(const float* from) { return *from; }
inline float read(const uint16_t* from) {
    const uint32_t bits = static_cast<uint32_t>(*from) << 16;
    float value;
    std::memcpy(&value, &bits, 4);
    return value;
}
inline void write(float* to, float x) { *to = x; }
inline void write(uint16_t* to, float x) {  // rounded to nearest, ties to even; NaN stays NaN
    uint32_t bits;
    std::memcpy(&bits, &x, 4);
    *to = x == x ? static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16) : static_cast<uint16_t>(0x7fc0);
}

// As in neuronas.snn.surrogates.
template <int kSurrogate>
inline float slope(float u) {
    if (kSurrogate == kAtan) return 1.0f / (1.0f + (kPi * u) * (kPi * u));
    if (kSurrogate == kTriangle) return std::max(0.0f, 1.0f - std::abs(u));
    if (kSurrogate == kRectangle) return std::abs(u) < 0.5f ? 1.0f : 0.0f;
    if (kSurrogate == kFastSigmoid) return 1.0f / ((1.0f + 2.0f * std::abs(u)) * (1.0f + 2.0f * std::abs(u)));
    const float s = 1.0f / (1.0f + std::exp(-4.0f * u));
    return 4.0f * s * (1.0f - s);
}

template <typename Number>
void forward(const Lif& k, int64_t first, int64_t last) {
    const Number* input = static_cast<const Number*>(k.input);
    Number* output = static_cast<Number*>(k.output);
    float v[kChunk];
    const int64_t m = last - first;
    std::fill(v, v + m, k.reset);
    for (int64_t t = 0; t < k.timesteps; ++t) {
        const Number* x = input + (k.constant ? 0 : t * k.n) + first;
        Number* to = output + t * k.n + first;
        for (int64_t i = 0; i < m; ++i) {
            const float h = v[i] + (read(x + i) - (v[i] - k.reset)) / k.tau;
            const bool fires = h >= k.threshold;
            v[i] = fires ? k.reset : h;
            write(to + i, fires ? 1.0f : 0.0f);
        }
    }
}

template <typename Number, int kSurrogate>
void backward(const Lif& k, int64_t first, int64_t last, std::vector<float>& memory) {
    const Number* input = static_cast<const Number*>(k.input);
    const Number* gradient = static_cast<const Number*>(k.gradient);
    Number* output = static_cast<Number*>(k.output);
    const int64_t m = last - first;
    memory.resize((k.timesteps + 2) * kChunk);
    float* h = memory.data();  // of all time steps
    float* dv = h + k.timesteps * kChunk;
    float* total = dv + kChunk;
    const float decay = 1.0f - 1.0f / k.tau;
    for (int64_t t = 0; t < k.timesteps; ++t) {
        const Number* x = input + (k.constant ? 0 : t * k.n) + first;
        float* now = h + t * kChunk;
        for (int64_t i = 0; i < m; ++i) {
            const float before = t ? (now[i - kChunk] >= k.threshold ? k.reset : now[i - kChunk]) : k.reset;
            now[i] = before + (read(x + i) - (before - k.reset)) / k.tau;
        }
    }
    std::fill(dv, dv + m, 0.0f);
    std::fill(total, total + m, 0.0f);
    for (int64_t t = k.timesteps - 1; t >= 0; --t) {
        const Number* g = gradient + t * k.n + first;
        const float* now = h + t * kChunk;
        for (int64_t i = 0; i < m; ++i) {
            const float u = now[i] - k.threshold;
            const float dh = read(g + i) * slope<kSurrogate>(u) + (u >= 0.0f ? 0.0f : dv[i]);
            dv[i] = dh * decay;
            if (k.constant)
                total[i] += dh / k.tau;
            else
                write(output + t * k.n + first + i, dh / k.tau);
        }
    }
    for (int64_t i = 0; k.constant && i < m; ++i) write(output + first + i, total[i]);
}

template <typename Number>
void backward(const Lif& k, int64_t first, int64_t last, std::vector<float>& memory) {
    switch (k.surrogate) {
        case kAtan: return backward<Number, kAtan>(k, first, last, memory);
        case kSigmoid: return backward<Number, kSigmoid>(k, first, last, memory);
        case kTriangle: return backward<Number, kTriangle>(k, first, last, memory);
        case kRectangle: return backward<Number, kRectangle>(k, first, last, memory);
        case kFastSigmoid: return backward<Number, kFastSigmoid>(k, first, last, memory);
    }
}

}  // namespace

extern "C" {

// Spikes of all time steps.
int32_t neuronas_lif_forward(const Lif* lif, int32_t threads) {
    const Lif k = *lif;
    parallel_for((k.n + kChunk - 1) / kChunk, threads, [&](int64_t chunk, int) {
        const int64_t first = chunk * kChunk, last = std::min(first + kChunk, k.n);
        if (k.is_bfloat16)
            forward<uint16_t>(k, first, last);
        else
            forward<float>(k, first, last);
    });
    return 0;
}

// The gradient of the input. Returns kUnknown for an unknown surrogate, or kNoMemory.
int32_t neuronas_lif_backward(const Lif* lif, int32_t threads) {
    return answer([&] {
        const Lif k = *lif;
        if (k.surrogate < kAtan || k.surrogate > kFastSigmoid) return kUnknown;
        std::vector<std::vector<float>> memory(std::max(1, threads));
        parallel_for((k.n + kChunk - 1) / kChunk, threads, [&](int64_t chunk, int thread) {
            const int64_t first = chunk * kChunk, last = std::min(first + kChunk, k.n);
            if (k.is_bfloat16)
                backward<uint16_t>(k, first, last, memory[thread]);
            else
                backward<float>(k, first, last, memory[thread]);
        });
        return 0;
    });
}

}  // extern "C"
