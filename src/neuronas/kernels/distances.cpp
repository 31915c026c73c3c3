// Hamming distances between the answers of images, from packed spikes.

#include "lanes.h"

extern "C" {

// Number of neurons that spike for both of two images: counts [T, rows, rows], upper triangle of 4x4 blocks filled and
// mirrored. rows is a multiple of 4 and row_bytes of 64; what lies beyond the data is zero.
void neuronas_common(const uint8_t* bits, int64_t timesteps, int64_t rows, int64_t row_bytes, int32_t* counts,
                     int32_t threads) {
    const int64_t n_blocks = rows / 4;
    parallel_for(timesteps * n_blocks, threads, [&](int64_t index, int) {
        const int64_t t = index / n_blocks, bi = index % n_blocks;
        const uint8_t* base = bits + t * rows * row_bytes;
        for (int64_t bj = bi; bj < n_blocks; ++bj) {
            int32_t found[4][4] = {};
#if defined(__AVX512VPOPCNTDQ__)
            __m512i acc[4][4];
            for (auto& line : acc)
                for (auto& one : line) one = _mm512_setzero_si512();
            for (int64_t k = 0; k < row_bytes; k += 64) {
                __m512i right[4];
                for (int j = 0; j < 4; ++j) right[j] = _mm512_loadu_si512(base + (bj * 4 + j) * row_bytes + k);
                for (int i = 0; i < 4; ++i) {
                    const __m512i left = _mm512_loadu_si512(base + (bi * 4 + i) * row_bytes + k);
                    for (int j = 0; j < 4; ++j)
                        acc[i][j] =
                            _mm512_add_epi64(acc[i][j], _mm512_popcnt_epi64(_mm512_and_si512(left, right[j])));
                }
            }
            for (int i = 0; i < 4; ++i)
                for (int j = 0; j < 4; ++j) found[i][j] = static_cast<int32_t>(_mm512_reduce_add_epi64(acc[i][j]));
#else
            for (int i = 0; i < 4; ++i)
                for (int j = 0; j < 4; ++j) {
                    const uint8_t* left = base + (bi * 4 + i) * row_bytes;
                    const uint8_t* right = base + (bj * 4 + j) * row_bytes;
                    int64_t total = 0;
                    for (int64_t k = 0; k < row_bytes; k += 8) {
                        uint64_t a, b;
                        std::memcpy(&a, left + k, 8);
                        std::memcpy(&b, right + k, 8);
                        total += __builtin_popcountll(a & b);
                    }
                    found[i][j] = static_cast<int32_t>(total);
                }
#endif
            int32_t* out = counts + t * rows * rows;
            for (int i = 0; i < 4; ++i)
                for (int j = 0; j < 4; ++j) {
                    out[(bi * 4 + i) * rows + bj * 4 + j] = found[i][j];
                    out[(bj * 4 + j) * rows + bi * 4 + i] = found[i][j];
                }
        }
    });
}

}  // extern "C"
