// Exact convolutions of spikes with integer weights, with the statistics that batch normalisation needs.

#include "lanes.h"

#if defined(NEURONAS_AVX512) && defined(__AMX_INT8__)
#define NEURONAS_AMX 1
#include <sys/syscall.h>
#include <unistd.h>
#endif
#if defined(NEURONAS_AVX512) && defined(__AVX512VNNI__)
#define NEURONAS_VNNI 1
#endif

namespace {

constexpr int kMaxSlices = 4;
constexpr int64_t kWorthAThread = 1 << 18;  // values; fewer are taken over sooner than another thread has started

// How a convolution's sums are added and stored; convolution.py chooses by a bound on them.
enum SumFormat : int32_t {
    kInt16 = 1,  // one slice, int16; whether all of them fit is found in passing
    kInt32 = 2,  // added as int32, stored as float32
    kDouble = 3  // added as float64, stored as float32
};

bool is_format(int32_t format) { return format >= kInt16 && format <= kDouble; }

// Add sums and squares of images, [n_images, 2, out_channels], to those of their time step.
void add_partial(const double* partial, int64_t n_images, int64_t out_channels, double* sums, double* squares) {
    for (int64_t image = 0; image < n_images; ++image, partial += 2 * out_channels)
        for (int64_t c = 0; c < out_channels; ++c) {
            sums[c] += partial[c];
            squares[c] += partial[out_channels + c];
        }
}

// What multiplies; library.py chooses.
enum Instructions : int32_t {
    kAmx = 1,  // Intel AMX
    kVnni = 2  // AVX-512 VNNI
};

#if defined(NEURONAS_AMX) || defined(NEURONAS_VNNI)

// Where the spikes lie that a pixel's sum reads: kernel x kernel neighbours in each of n_depth planes.
struct Reading {
    int64_t kernel, n_depth, plane_bytes, wide, depth;  // wide: pixels of a row with its border
};

using Products = int32_t[4][16][16];  // sums of four segments of 16 pixels, for 16 outputs

#endif

#if defined(NEURONAS_AMX)

constexpr int kSpikes = 4, kWeights = 7;  // tiles: 0 to 3 sums of four pixel segments, 4 to 6 spikes, 7 weights

struct alignas(64) Tiles {
    uint8_t palette = 1, start = 0, reserved[14] = {};
    uint16_t columns[16] = {};
    uint8_t rows[16] = {};

    explicit Tiles(int64_t depth) {
        for (int i = 0; i < 8; ++i) rows[i] = 16, columns[i] = 64;
        for (int i = kSpikes; i < kWeights; ++i) columns[i] = static_cast<uint16_t>(depth);
        rows[kWeights] = static_cast<uint8_t>(depth / 4);
    }
};
static_assert(sizeof(Tiles) == 64);

void amx_products(const Reading& r, const uint8_t* const* a, const int8_t* w, Products found) {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    // Kernel positions innermost: they read almost the same lines, which are then in the cache.
    for (int64_t plane = 0; plane < r.n_depth; ++plane)
        for (int64_t tap = 0; tap < r.kernel * r.kernel; ++tap, w += 16 * r.depth) {
            const int64_t at = (tap / r.kernel * r.wide + tap % r.kernel) * r.depth + plane * r.plane_bytes;
            _tile_loadd(7, w, 64);
            _tile_loadd(4, a[0] + at, r.depth);
            _tile_dpbusd(0, 4, 7);
            _tile_loadd(5, a[1] + at, r.depth);
            _tile_dpbusd(1, 5, 7);
            _tile_loadd(6, a[2] + at, r.depth);
            _tile_dpbusd(2, 6, 7);
            _tile_loadd(4, a[3] + at, r.depth);
            _tile_dpbusd(3, 4, 7);
        }
    _tile_stored(0, found[0], 64);
    _tile_stored(1, found[1], 64);
    _tile_stored(2, found[2], 64);
    _tile_stored(3, found[3], 64);
}

#endif

#if defined(NEURONAS_VNNI)

// One segment, of kPixels: their sums stay in registers, four spikes of each meet the weights of 16 outputs at a time.
template <int kPixels, int64_t kDepth>
void vnni_segment(const Reading& r, const uint8_t* a, const int8_t* w, int32_t (*found)[16]) {
    __m512i sums[kPixels];
    for (int p = 0; p < kPixels; ++p) sums[p] = _mm512_setzero_si512();
    for (int64_t plane = 0; plane < r.n_depth; ++plane, a += r.plane_bytes)
        for (int64_t row = 0; row < r.kernel; ++row) {
            const uint8_t* from = a + row * r.wide * kDepth;
            for (int64_t column = 0; column < r.kernel; ++column, from += kDepth)
                for (int64_t channel = 0; channel < kDepth; channel += 4, w += 64) {
                    const __m512i weights = _mm512_loadu_si512(w);
#pragma GCC unroll 16
                    for (int p = 0; p < kPixels; ++p) {
                        int32_t spikes;
                        std::memcpy(&spikes, from + p * kDepth + channel, 4);
                        sums[p] = _mm512_dpbusd_epi32(sums[p], _mm512_set1_epi32(spikes), weights);
                    }
                }
        }
    for (int p = 0; p < kPixels; ++p) _mm512_storeu_si512(found[p], sums[p]);
}

template <int64_t kDepth>
void vnni_products(const Reading& r, const uint8_t* const* a, int64_t n_parts, int64_t n_pixels, const int8_t* w,
                   Products found) {
    const auto segment = n_pixels > 8   ? vnni_segment<16, kDepth>
                         : n_pixels > 4 ? vnni_segment<8, kDepth>
                                        : vnni_segment<4, kDepth>;
    for (int64_t part = 0; part < n_parts; ++part) segment(r, a[part], w, found[part]);
}

#endif

}  // namespace

extern "C" {

// 1 if this build and this machine can run the convolution with these instructions.
int32_t neuronas_has(int32_t instructions) {
#if defined(NEURONAS_AMX)
    constexpr long kRequestPermission = 0x1023, kTileData = 18;  // arch_prctl: ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
    static const int32_t granted = syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
    if (instructions == kAmx) return granted;
#endif
#if defined(NEURONAS_VNNI)
    if (instructions == kVnni) return 1;
#endif
    (void)instructions;
    return 0;
}

struct Collection {
    const float* slices[kMaxSlices];  // [n, H, W, out_channels] each: exact sums of one 8-bit slice of the weights
    void* out;                        // values: [n, planes, H, W, channels of a plane], int16 or float32
    double* sums;                     // [out_channels], added to
    double* squares;
    int64_t n_images, pixels, out_channels;  // channels padded to a multiple of 16
    int32_t n_slices, format;
};

// Take over exact sums that another library computed for some images of one time step. Returns 0 if a sum does not fit,
// kUnknown for a format that it does not know.
int32_t neuronas_collect(const Collection* collection, int32_t threads) {
    const Collection k = *collection;
    if (!is_format(k.format)) return kUnknown;
    std::vector<double> partial(2 * k.n_images * k.out_channels);  // per image: the order is then fixed
    std::atomic<int32_t> fits{1};
    if (k.n_images * k.pixels * k.out_channels < kWorthAThread) threads = 1;
    parallel_for(k.n_images, threads, [&](int64_t image, int) {
        for (int64_t first = 0; first < k.out_channels; first += kPlane) {
            const int64_t n = std::min(kPlane, k.out_channels - first);
            const int64_t from = image * k.pixels * k.out_channels + first;
            const int64_t to = (image * k.out_channels + first) * k.pixels;
            double y[kPlane], sums[kPlane] = {}, squares[kPlane] = {}, largest[kPlane] = {};
            for (int64_t p = 0; p < k.pixels; ++p) {
                const int64_t at = from + p * k.out_channels;
                for (int64_t c = 0; c < n; ++c) y[c] = k.slices[0][at + c];
                for (int32_t slice = 1; slice < k.n_slices; ++slice) {
                    const double unit = static_cast<double>(1 << (8 * slice));
                    for (int64_t c = 0; c < n; ++c) y[c] += k.slices[slice][at + c] * unit;
                }
                for (int64_t c = 0; c < n; ++c) {
                    largest[c] = std::max(largest[c], std::abs(y[c]));
                    sums[c] += y[c];
                    squares[c] += y[c] * y[c];
                }
                if (k.format == kInt16) {
                    int16_t* out = static_cast<int16_t*>(k.out) + to + p * n;
                    for (int64_t c = 0; c < n; ++c) out[c] = static_cast<int16_t>(static_cast<int32_t>(y[c]));
                } else {
                    float* out = static_cast<float*>(k.out) + to + p * n;
                    for (int64_t c = 0; c < n; ++c) out[c] = static_cast<float>(y[c]);
                }
            }
            if (k.format == kInt16 && *std::max_element(largest, largest + n) > 32767.0) fits = 0;
            std::copy(sums, sums + n, partial.data() + image * 2 * k.out_channels + first);
            std::copy(squares, squares + n, partial.data() + (image * 2 + 1) * k.out_channels + first);
        }
    });
    add_partial(partial.data(), k.n_images, k.out_channels, k.sums, k.squares);
    return fits;
}


struct Convolution {
    const uint8_t* spikes;  // [N, Cp / depth, H + 2p, W + 2p, depth], followed by readable memory for 16 more pixels
    const int8_t* weights;  // [slices, out blocks of 16, Cp / depth, k * k, depth / 4, 16, 4]
    void* out;              // values: [N, planes, H, W, channels of a plane], int16 or float32
    double* sums;           // [T, out_channels], added to
    double* squares;
    int64_t timesteps, batch, height, width, padded_channels, out_channels;  // out_channels: a multiple of 16
    int32_t pad, kernel, slices, format, instructions;
};

// Exact convolution of spikes with 8-bit slices of weights, with the statistics that batch normalisation needs. Each
// time step has batch images. Returns 0 if a sum does not fit the format, kUnknown for a format or instructions that it
// does not know.
int32_t neuronas_convolve(const Convolution* convolution, int32_t threads) {
    if (!is_format(convolution->format) || !neuronas_has(convolution->instructions)) return kUnknown;
#if defined(NEURONAS_AMX) || defined(NEURONAS_VNNI)
    const Convolution k = *convolution;
    const int64_t depth = std::min<int64_t>(64, k.padded_channels);
    const int64_t n_depth = k.padded_channels / depth;
    const int64_t wide = k.width + 2 * k.pad, plane_bytes = (k.height + 2 * k.pad) * wide * depth;
    const int64_t image_bytes = n_depth * plane_bytes, n_pixels = std::min<int64_t>(16, k.width);
    const Reading reading{k.kernel, n_depth, plane_bytes, wide, depth};
    const int64_t taps = k.kernel * k.kernel, n_blocks = k.out_channels / 16, tile_bytes = depth * 16;
    const int64_t block_bytes = taps * n_depth * tile_bytes, slice_bytes = n_blocks * block_bytes;
    const int64_t n_segments = (k.width + 15) / 16 * k.height, per_row = (k.width + 15) / 16;
    const int64_t skip = k.pad - k.kernel / 2;  // the border may be wider than this kernel needs

    std::vector<double> partial(2 * k.timesteps * k.batch * k.out_channels);  // per image: the order is then fixed
    std::atomic<int32_t> fits{1};
#if defined(NEURONAS_AMX)
    const Tiles tiles(depth);
#endif
    parallel_for(k.timesteps * k.batch, threads, [&](int64_t image, int) {
#if defined(NEURONAS_AMX)
        if (k.instructions == kAmx) _tile_loadconfig(&tiles);
#endif
        alignas(64) Products found[kMaxSlices];
        double* sums = partial.data() + image * 2 * k.out_channels;
        double* squares = sums + k.out_channels;
        const uint8_t* base = k.spikes + image * image_bytes + skip * (wide + 1) * depth;
        // One block of 16 outputs at a time: its weights and the rows in use fit the first-level cache.
        for (int64_t block = 0; block < n_blocks; ++block) {
            const int64_t first = block * 16, plane = first / kPlane * kPlane;
            const int64_t stride = std::min(kPlane, k.out_channels - plane);  // channels of this plane of values
            const int64_t plane_at = (image * k.out_channels + plane) * k.height * k.width + first - plane;
            __m512i low = _mm512_setzero_si512(), high_half = low, even = low, odd = low, largest = low;
            double wide_sum[16] = {}, wide_square[16] = {};
            for (int64_t group = 0; group < n_segments; group += 4) {
                const int64_t n_parts = std::min<int64_t>(4, n_segments - group);
                const uint8_t* a[4];
                for (int64_t part = 0; part < 4; ++part) {
                    const int64_t segment = group + std::min(part, n_parts - 1);
                    a[part] = base + (segment / per_row * wide + segment % per_row * 16) * depth;
                }
                for (int32_t slice = 0; slice < k.slices; ++slice) {
                    const int8_t* w = k.weights + slice * slice_bytes + block * block_bytes;
#if defined(NEURONAS_AMX)
                    if (k.instructions == kAmx) amx_products(reading, a, w, found[slice]);
#endif
#if defined(NEURONAS_VNNI)
                    if (k.instructions == kVnni) {
                        const auto products = depth == 16   ? vnni_products<16>
                                              : depth == 32 ? vnni_products<32>
                                                            : vnni_products<64>;
                        products(reading, a, n_parts, n_pixels, w, found[slice]);
                    }
#endif
                }
                __m512i sum = _mm512_setzero_si512();  // of 64 pixels: fits 32 bits (kInt32: see convolution.py)
                for (int64_t part = 0; part < n_parts; ++part) {
                    const int64_t h = (group + part) / per_row, column = (group + part) % per_row * 16;
                    const int64_t m = std::min<int64_t>(16, k.width - column);
                    const int64_t at = plane_at + (h * k.width + column) * stride;
                    if (k.format != kDouble) {
                        int16_t* narrow = static_cast<int16_t*>(k.out) + at;
                        float* out = static_cast<float*>(k.out) + at;
                        for (int64_t p = 0; p < m; ++p) {
                            __m512i y = _mm512_load_si512(found[0][part][p]);
                            for (int32_t slice = 1; slice < k.slices; ++slice)
                                y = _mm512_add_epi32(
                                    y, _mm512_slli_epi32(_mm512_load_si512(found[slice][part][p]), 8 * slice));
                            const __m512i high = _mm512_srli_epi64(y, 32);
                            sum = _mm512_add_epi32(sum, y);
                            even = _mm512_add_epi64(even, _mm512_mul_epi32(y, y));
                            odd = _mm512_add_epi64(odd, _mm512_mul_epi32(high, high));
                            if (k.format == kInt16) {
                                largest = _mm512_max_epi32(largest, _mm512_abs_epi32(y));
                                _mm256_storeu_si256(reinterpret_cast<__m256i*>(narrow + p * stride), _mm512_cvtepi32_epi16(y));
                            } else {
                                _mm512_storeu_ps(out + p * stride, _mm512_cvtepi32_ps(y));
                            }
                        }
                    } else {
                        float* out = static_cast<float*>(k.out) + at;
                        for (int64_t p = 0; p < m; ++p)
                            for (int64_t c = 0; c < 16; ++c) {
                                double y = found[0][part][p][c];
                                for (int32_t slice = 1; slice < k.slices; ++slice)
                                    y += static_cast<double>(found[slice][part][p][c]) * (1 << (8 * slice));
                                wide_sum[c] += y;
                                wide_square[c] += y * y;
                                out[p * stride + c] = static_cast<float>(y);
                            }
                    }
                }
                low = _mm512_add_epi64(low, _mm512_cvtepi32_epi64(_mm512_castsi512_si256(sum)));
                high_half = _mm512_add_epi64(high_half, _mm512_cvtepi32_epi64(_mm512_extracti64x4_epi64(sum, 1)));
            }
            if (k.format == kInt16 && _mm512_reduce_max_epi32(largest) > 32767) fits = 0;
            if (k.format != kDouble) {
                alignas(64) int64_t total[16], evens[8], odds[8];
                _mm512_store_si512(total, low);
                _mm512_store_si512(total + 8, high_half);
                _mm512_store_si512(evens, even);
                _mm512_store_si512(odds, odd);
                for (int64_t c = 0; c < 16; ++c) {
                    wide_sum[c] = static_cast<double>(total[c]);
                    wide_square[c] = static_cast<double>(c % 2 ? odds[c / 2] : evens[c / 2]);
                }
            }
            std::memcpy(sums + first, wide_sum, sizeof(wide_sum));
            std::memcpy(squares + first, wide_square, sizeof(wide_square));
        }
#if defined(NEURONAS_AMX)
        if (k.instructions == kAmx) _tile_release();
#endif
    });
    for (int64_t t = 0; t < k.timesteps; ++t)
        add_partial(partial.data() + t * k.batch * 2 * k.out_channels, k.batch, k.out_channels,
                    k.sums + t * k.out_channels, k.squares + t * k.out_channels);
    return fits;
#else
    (void)threads;
    return kUnknown;
#endif
}

}  // extern "C"
