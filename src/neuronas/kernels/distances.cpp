// Hamming distances between the spike patterns of images, from packed spikes.

#include "lanes.h"

namespace {

constexpr int64_t kRows = 4;  // a block has the counts for four rows and four others

using Counts = int64_t[kRows][kRows];

// Count the common ones of all pairs of rows in `left` and `right`: four rows each, row_bytes apart.
void count_common(const uint8_t* left, const uint8_t* right, int64_t row_bytes, Counts counts) {
    for (int64_t i = 0; i < kRows; ++i)
        for (int64_t j = 0; j < kRows; ++j) {
            int64_t total = 0;
            for (int64_t k = 0; k < row_bytes; k += 8)
                total += __builtin_popcountll(load_as<uint64_t>(left + i * row_bytes + k) &
                                              load_as<uint64_t>(right + j * row_bytes + k));
            counts[i][j] = total;
        }
}

#if defined(NEURONAS_AVX512)

#define POPCOUNT __attribute__((target("avx512vpopcntdq")))

POPCOUNT void count_common_avx512(const uint8_t* left, const uint8_t* right, int64_t row_bytes, Counts counts) {
    __m512i found[kRows][kRows];
    for (auto& line : found)
        for (auto& one : line) one = _mm512_setzero_si512();
    for (int64_t k = 0; k < row_bytes; k += 64) {
        __m512i others[kRows];
        for (int j = 0; j < kRows; ++j) others[j] = _mm512_loadu_si512(right + j * row_bytes + k);
        for (int i = 0; i < kRows; ++i) {
            const __m512i row = _mm512_loadu_si512(left + i * row_bytes + k);
            for (int j = 0; j < kRows; ++j)
                found[i][j] =
                    _mm512_add_epi64(found[i][j], _mm512_popcnt_epi64(_mm512_and_si512(row, others[j])));
        }
    }
    for (int i = 0; i < kRows; ++i)
        for (int j = 0; j < kRows; ++j) counts[i][j] = _mm512_reduce_add_epi64(found[i][j]);
}

#elif defined(NEURONAS_AVX2)

// Population count of bytes by table lookup of their halves (Mula et al., arXiv 1611.07612).
void count_common_avx2(const uint8_t* left, const uint8_t* right, int64_t row_bytes, Counts counts) {
    const __m256i of_half = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4,  //
                                             0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
    const __m256i low = _mm256_set1_epi8(15), zero = _mm256_setzero_si256();
    for (int64_t i = 0; i < kRows; ++i) {
        __m256i total[kRows] = {zero, zero, zero, zero};
        for (int64_t k = 0; k < row_bytes; k += 64) {
            __m256i ones[kRows] = {zero, zero, zero, zero};
            for (int64_t part = k; part < k + 64; part += 32) {
                const __m256i row = load_as<__m256i>(left + i * row_bytes + part);
                for (int j = 0; j < kRows; ++j) {
                    const __m256i both = _mm256_and_si256(row, load_as<__m256i>(right + j * row_bytes + part));
                    const __m256i first = _mm256_shuffle_epi8(of_half, _mm256_and_si256(both, low));
                    const __m256i second =
                        _mm256_shuffle_epi8(of_half, _mm256_and_si256(_mm256_srli_epi16(both, 4), low));
                    ones[j] = _mm256_add_epi8(ones[j], _mm256_add_epi8(first, second));
                }
            }
            for (int j = 0; j < kRows; ++j) total[j] = _mm256_add_epi64(total[j], _mm256_sad_epu8(ones[j], zero));
        }
        for (int j = 0; j < kRows; ++j) {
            int64_t parts[4];
            store(parts, total[j]);
            counts[i][j] = parts[0] + parts[1] + parts[2] + parts[3];
        }
    }
}

#endif

decltype(&count_common) fastest() {
#if defined(NEURONAS_AVX512)
    if (__builtin_cpu_supports("avx512vpopcntdq")) return count_common_avx512;
#elif defined(NEURONAS_AVX2)
    return count_common_avx2;
#endif
    return count_common;
}

}  // namespace

extern "C" {

// Number of neurons that spike for both of two images: counts [T, rows, rows], computed for the upper triangle of 4x4
// blocks and mirrored. rows is a multiple of 4 and row_bytes of 64; padding is zero.
void neuronas_common(const uint8_t* bits, int64_t timesteps, int64_t rows, int64_t row_bytes, int32_t* counts,
                     int32_t threads) {
    const int64_t n_blocks = rows / kRows;
    const auto count = fastest();
    parallel_for(timesteps * n_blocks, threads, [&](int64_t index, int) {
        const int64_t t = index / n_blocks, first = index % n_blocks * kRows;
        const uint8_t* base = bits + t * rows * row_bytes;
        int32_t* out = counts + t * rows * rows;
        for (int64_t other = first; other < rows; other += kRows) {
            Counts found;
            count(base + first * row_bytes, base + other * row_bytes, row_bytes, found);
            for (int64_t i = 0; i < kRows; ++i)
                for (int64_t j = 0; j < kRows; ++j)
                    out[(first + i) * rows + other + j] = out[(other + j) * rows + first + i] =
                        static_cast<int32_t>(found[i][j]);
        }
    });
}

}  // extern "C"
