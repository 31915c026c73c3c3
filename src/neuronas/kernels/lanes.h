// What the kernels share: 16 floats at a time, the layout, threads.
//
// Layout of values: [T, B, planes, H, W, n]. A plane holds the next 32 channels, the last one 16 if no more are left
// (channels are padded to a multiple of 16). So a plane of an image is one contiguous piece: it streams through the
// caches, and no kernel needs masks. Padded channels hold finite values that nothing reads.
//
// Compile with -ffp-contract=off: the reference rounds after every operation.

#pragma once

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <thread>
#include <vector>

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__)
#define NEURONAS_AVX512 1
#include <immintrin.h>
#endif

constexpr int64_t kLanes = 16, kPlane = 32;
constexpr int32_t kUnknown = -1;  // the answer to a code that the caller's enumeration has and ours has not

struct Shape {
    int64_t timesteps, batch, height, width, channels;
    int64_t pixels() const { return height * width; }
    int64_t padded() const { return (channels + kLanes - 1) / kLanes * kLanes; }
    int64_t planes() const { return (padded() + kPlane - 1) / kPlane; }
    int64_t plane_channels(int64_t plane) const { return std::min(kPlane, padded() - plane * kPlane); }
    // Of a plane of the image b at step t, in values.
    int64_t offset(int64_t t, int64_t b, int64_t plane) const {
        return ((t * batch + b) * padded() + plane * kPlane) * pixels();
    }
};

template <typename Work>
void parallel_for(int64_t n, int threads, const Work& work) {  // work(index, thread)
    threads = static_cast<int>(std::min<int64_t>(threads, n));
    if (threads <= 1) {
        for (int64_t i = 0; i < n; ++i) work(i, 0);
        return;
    }
    std::atomic<int64_t> next{0};
    auto run = [&](int thread) {
        for (int64_t i; (i = next.fetch_add(1)) < n;) work(i, thread);
    };
    std::vector<std::thread> others;
    for (int thread = 1; thread < threads; ++thread) others.emplace_back(run, thread);
    run(0);
    for (auto& other : others) other.join();
}

#if defined(NEURONAS_AVX512)

struct Lanes {
    __m512 v;
};
inline Lanes all(float x) { return {_mm512_set1_ps(x)}; }
inline Lanes load(const float* from) { return {_mm512_loadu_ps(from)}; }
inline Lanes load(const int16_t* from) {
    const __m256i narrow = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
    return {_mm512_cvtepi32_ps(_mm512_cvtepi16_epi32(narrow))};
}
inline void store(float* to, Lanes x) { _mm512_storeu_ps(to, x.v); }
inline Lanes operator+(Lanes a, Lanes b) { return {_mm512_add_ps(a.v, b.v)}; }
inline Lanes operator-(Lanes a, Lanes b) { return {_mm512_sub_ps(a.v, b.v)}; }
inline Lanes operator*(Lanes a, Lanes b) { return {_mm512_mul_ps(a.v, b.v)}; }
inline Lanes larger(Lanes a, Lanes b) { return {_mm512_max_ps(a.v, b.v)}; }
// Bit i is set where a[i] >= b[i].
inline uint16_t at_least(Lanes a, Lanes b) { return _mm512_cmp_ps_mask(a.v, b.v, _CMP_GE_OQ); }
inline Lanes select(uint16_t mask, Lanes yes, Lanes no) { return {_mm512_mask_mov_ps(no.v, mask, yes.v)}; }
inline void store_spikes(uint8_t* to, uint16_t mask) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm_maskz_set1_epi8(mask, 1));
}
// x / divisor, correctly rounded without the slow division (Markstein: one correction by the remainder).
inline Lanes divide(Lanes x, Lanes divisor, Lanes reciprocal) {
    const __m512 guess = _mm512_mul_ps(x.v, reciprocal.v);
    return {_mm512_fmadd_ps(_mm512_fnmadd_ps(guess, divisor.v, x.v), reciprocal.v, guess)};
}

// Sums and sums of squares in float64. The square of a float32 is exact there, so a fused multiply-add changes nothing.
struct Totals {
    __m512d sum[2] = {_mm512_setzero_pd(), _mm512_setzero_pd()}, square[2] = {_mm512_setzero_pd(), _mm512_setzero_pd()};
    void add(Lanes x) {
        const __m512d low = _mm512_cvtps_pd(_mm512_castps512_ps256(x.v));
        const __m512d high = _mm512_cvtps_pd(_mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(x.v), 1)));
        sum[0] = _mm512_add_pd(sum[0], low);
        sum[1] = _mm512_add_pd(sum[1], high);
        square[0] = _mm512_fmadd_pd(low, low, square[0]);
        square[1] = _mm512_fmadd_pd(high, high, square[1]);
    }
    void add_to(double* sums, double* squares) const {
        for (int i = 0; i < 2; ++i) {
            _mm512_storeu_pd(sums + 8 * i, _mm512_add_pd(_mm512_loadu_pd(sums + 8 * i), sum[i]));
            _mm512_storeu_pd(squares + 8 * i, _mm512_add_pd(_mm512_loadu_pd(squares + 8 * i), square[i]));
        }
    }
};

#else  // plain C++, for the compiler to vectorise

struct Lanes {
    float v[kLanes];
};
template <typename Make>
inline Lanes each(const Make& make) {
    Lanes made;
    for (int i = 0; i < kLanes; ++i) made.v[i] = make(i);
    return made;
}
inline Lanes all(float x) {
    return each([&](int) { return x; });
}
template <typename Number>
inline Lanes load(const Number* from) {
    return each([&](int i) { return static_cast<float>(from[i]); });
}
inline void store(float* to, Lanes x) { std::memcpy(to, x.v, sizeof(x.v)); }
inline Lanes operator+(Lanes a, Lanes b) {
    return each([&](int i) { return a.v[i] + b.v[i]; });
}
inline Lanes operator-(Lanes a, Lanes b) {
    return each([&](int i) { return a.v[i] - b.v[i]; });
}
inline Lanes operator*(Lanes a, Lanes b) {
    return each([&](int i) { return a.v[i] * b.v[i]; });
}
inline Lanes larger(Lanes a, Lanes b) {
    return each([&](int i) { return std::max(a.v[i], b.v[i]); });
}
inline uint16_t at_least(Lanes a, Lanes b) {
    uint16_t mask = 0;
    for (int i = 0; i < kLanes; ++i) mask |= static_cast<uint16_t>((a.v[i] >= b.v[i]) << i);
    return mask;
}
inline Lanes select(uint16_t mask, Lanes yes, Lanes no) {
    return each([&](int i) { return mask >> i & 1 ? yes.v[i] : no.v[i]; });
}
inline void store_spikes(uint8_t* to, uint16_t mask) {
    for (int i = 0; i < kLanes; ++i) to[i] = mask >> i & 1;
}
inline Lanes divide(Lanes x, Lanes divisor, Lanes) {
    return each([&](int i) { return x.v[i] / divisor.v[i]; });
}

struct Totals {
    double sum[kLanes] = {}, square[kLanes] = {};
    void add(Lanes x) {
        for (int i = 0; i < kLanes; ++i) {
            sum[i] += x.v[i];
            square[i] += static_cast<double>(x.v[i]) * x.v[i];
        }
    }
    void add_to(double* sums, double* squares) const {
        for (int i = 0; i < kLanes; ++i) sums[i] += sum[i], squares[i] += square[i];
    }
};

#endif
