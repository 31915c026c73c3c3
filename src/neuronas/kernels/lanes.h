// Common code of the kernels: vectors of floats, the layout of values, threads.
//
// Vectors are compiler vectors (GCC and Clang) of 16 floats with AVX-512, otherwise 8, which the compiler splits if
// registers are shorter. Intrinsics are used only where the compilers' code is slow.
//
// Layout of values: [T, B, planes, H, W, n]. A plane holds the next 32 channels, the last one 16 if no more are left
// (channels are padded to a multiple of 16). A plane of an image is thus contiguous: it streams through the caches, and
// no kernel needs masks. Padding channels hold finite values that are never used.
// Layout of spikes: [T, rows, row_bytes] bits, rows >= B; a row holds an image's spikes by plane, pixel and channel.
//
// Compile with -ffp-contract=off: the reference rounds after every operation.

#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>

#include "threads.h"

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__)
#define NEURONAS_AVX512 1
#elif defined(__AVX2__) && defined(__FMA__)
#define NEURONAS_AVX2 1
#endif
#if defined(NEURONAS_AVX512) || defined(NEURONAS_AVX2)
#include <immintrin.h>
#endif

#if defined(NEURONAS_AVX512)
constexpr int64_t kLanes = 16;
#else
constexpr int64_t kLanes = 8;
#endif
constexpr int64_t kRegister = kLanes * 4;  // bytes of a vector register
constexpr int64_t kPadding = 16, kPlane = 32;
constexpr int32_t kUnknown = -1;  // result for a code that is not in our enumeration
constexpr int32_t kNoMemory = -2;

// Result of a kernel: no exception may reach Python.
template <typename Work>
int32_t answer(const Work& work) {
    try {
        return work();
    } catch (const std::bad_alloc&) {
        return kNoMemory;
    }
}

// Positions of the ones of each byte, and their number. constexpr, since a fork could interrupt initialisation.
struct Positions {
    uint8_t of[256][8] = {}, n[256] = {};
    constexpr Positions() {
        for (int byte = 0; byte < 256; ++byte)
            for (int bit = 0; bit < 8; ++bit)
                if (byte >> bit & 1) of[byte][n[byte]++] = static_cast<uint8_t>(bit);
    }
};
constexpr Positions kPositions;

struct Shape {
    int64_t timesteps, batch, height, width, channels;
    int64_t pixels() const { return height * width; }
    int64_t padded() const { return (channels + kPadding - 1) / kPadding * kPadding; }
    int64_t planes() const { return (padded() + kPlane - 1) / kPlane; }
    int64_t plane_channels(int64_t plane) const { return std::min(kPlane, padded() - plane * kPlane); }
    // Offset of a plane of image b at time step t, in values.
    int64_t offset(int64_t t, int64_t b, int64_t plane) const {
        return ((t * batch + b) * padded() + plane * kPlane) * pixels();
    }
};

typedef float Lanes __attribute__((vector_size(kLanes * 4)));
typedef int32_t Integers __attribute__((vector_size(kLanes * 4)));
typedef int16_t Shorts __attribute__((vector_size(kLanes * 2)));
typedef int16_t WideShorts __attribute__((vector_size(kLanes * 4)));  // twice as many elements
typedef int64_t Longs __attribute__((vector_size(kLanes * 4)));  // half as many elements, like the next two
typedef double Doubles __attribute__((vector_size(kLanes * 4)));
typedef float HalfLanes __attribute__((vector_size(kLanes * 2)));
// Channels of training kernels are multiples of this: half a register with AVX-512, otherwise all lanes.
constexpr int64_t kFewestLanes = 8;
typedef float FewestLanes __attribute__((vector_size(kFewestLanes * 4)));
template <typename Vector>
constexpr int64_t kLanesOf = sizeof(Vector) / sizeof(float);

template <typename Vector, typename Number>
inline Vector load_as(const Number* from) {
    Vector x;
    std::memcpy(&x, from, sizeof(x));
    return x;
}
template <typename Vector, typename Number>
inline void store(Number* to, Vector x) {
    std::memcpy(to, &x, sizeof(x));
}
inline Lanes all(float x) { return x - Lanes{}; }
inline Lanes load(const float* from) { return load_as<Lanes>(from); }
inline Integers integers(Shorts x) { return __builtin_convertvector(x, Integers); }
inline Lanes load(const int16_t* from) { return __builtin_convertvector(integers(load_as<Shorts>(from)), Lanes); }
// Every second integer, starting with the first or the second, sign-extended.
inline Longs even(Integers x) { return (reinterpret_cast<Longs>(x) << 32) >> 32; }
inline Longs odd(Integers x) { return reinterpret_cast<Longs>(x) >> 32; }
inline Doubles doubles(Lanes x, int half) {
    HalfLanes part;
    std::memcpy(&part, reinterpret_cast<const char*>(&x) + half * sizeof(part), sizeof(part));
    return __builtin_convertvector(part, Doubles);
}

#if defined(NEURONAS_AVX512)

using Mask = __mmask16;
using Bits = uint16_t;  // one per lane
inline Lanes larger(Lanes a, Lanes b) { return _mm512_max_ps(a, b); }
inline Mask at_least(Lanes a, Lanes b) { return _mm512_cmp_ps_mask(a, b, _CMP_GE_OQ); }
inline Lanes select(Mask mask, Lanes yes, Lanes no) { return _mm512_mask_mov_ps(no, mask, yes); }
inline Bits packed(Mask mask) { return mask; }
// x / divisor, correctly rounded without the slow division (Markstein: one correction by the remainder).
inline Lanes divide(Lanes x, Lanes divisor, Lanes reciprocal) {
    const __m512 guess = _mm512_mul_ps(x, reciprocal);
    return _mm512_fmadd_ps(_mm512_fnmadd_ps(guess, divisor, x), reciprocal, guess);
}
inline Doubles add_square(Doubles x, Doubles to) { return _mm512_fmadd_pd(x, x, to); }
inline Longs even_squares(Integers x) { return reinterpret_cast<Longs>(_mm512_mul_epi32(__m512i(x), __m512i(x))); }

#elif defined(NEURONAS_AVX2)

using Mask = __m256;
using Bits = uint8_t;
inline Lanes larger(Lanes a, Lanes b) { return _mm256_max_ps(a, b); }
inline Mask at_least(Lanes a, Lanes b) { return _mm256_cmp_ps(a, b, _CMP_GE_OQ); }
inline Lanes select(Mask mask, Lanes yes, Lanes no) { return _mm256_blendv_ps(no, yes, mask); }
inline Bits packed(Mask mask) { return static_cast<Bits>(_mm256_movemask_ps(mask)); }
inline Lanes divide(Lanes x, Lanes divisor, Lanes reciprocal) {
    const __m256 guess = _mm256_mul_ps(x, reciprocal);
    return _mm256_fmadd_ps(_mm256_fnmadd_ps(guess, divisor, x), reciprocal, guess);
}
inline Doubles add_square(Doubles x, Doubles to) { return _mm256_fmadd_pd(x, x, to); }
inline Longs even_squares(Integers x) { return reinterpret_cast<Longs>(_mm256_mul_epi32(__m256i(x), __m256i(x))); }

#else

using Mask = Integers;
using Bits = uint8_t;
inline Mask at_least(Lanes a, Lanes b) { return a >= b; }
inline Lanes select(Mask mask, Lanes yes, Lanes no) { return mask ? yes : no; }
inline Lanes larger(Lanes a, Lanes b) { return select(a > b, a, b); }
inline Bits packed(Mask mask) {
    unsigned found = 0;
    for (int i = 0; i < kLanes; ++i) found |= (mask[i] & 1u) << i;
    return static_cast<Bits>(found);
}
inline Lanes divide(Lanes x, Lanes divisor, Lanes) { return x / divisor; }
inline Doubles add_square(Doubles x, Doubles to) { return to + x * x; }
inline Longs even_squares(Integers x) { return even(x) * even(x); }

#endif

constexpr int64_t kRun = 16;  // number of values that training adds as float32 before adding to float64

// Add to sums in float64.
template <typename Vector>
inline void add_to(double* to, Vector x) {
    constexpr int64_t kHalf = sizeof(HalfLanes) / sizeof(float);
    for (int64_t i = 0; i < kLanesOf<Vector>; i += kHalf) {
        HalfLanes part;
        std::memcpy(&part, reinterpret_cast<const float*>(&x) + i, sizeof(part));
        store(to + i, load_as<Doubles>(to + i) + __builtin_convertvector(part, Doubles));
    }
}

// Call use(vector) with the longest vector type whose length divides the channels: Lanes or FewestLanes.
template <typename Use>
inline void with_lanes(int64_t channels, const Use& use) {
    if constexpr (kLanes != kFewestLanes)
        if (channels % kLanes) return use(FewestLanes{});
    use(Lanes{});
}

// Sums and sums of squares in float64. Squares of float32 are exact there, so a fused multiply-add changes nothing.
struct Totals {
    Doubles sum[2] = {}, square[2] = {};
    void add(Lanes x) {
        for (int half = 0; half < 2; ++half) {
            const Doubles part = doubles(x, half);
            sum[half] += part;
            square[half] = add_square(part, square[half]);
        }
    }
    void add_to(double* sums, double* squares) const {
        for (int half = 0; half < 2; ++half) {
            double *s = sums + half * kLanes / 2, *q = squares + half * kLanes / 2;
            store(s, load_as<Doubles>(s) + sum[half]);
            store(q, load_as<Doubles>(q) + square[half]);
        }
    }
};
