// Fused kernels of the fitness engine. Everything here is exact or in a stated order, so that spikes agree to
// the last bit with neuronas.snn.arithmetic: integers for convolutions, float32 without contraction elsewhere
// (compile with -ffp-contract=off), float64 for statistics.
//
// Layout: values are [T, B, H, W, C]. Spikes are bytes 0/1 in [T, B, H + 2p, W + 2p, Cp] with zero borders, so that a
// convolution is a sum of shifted matrix products, and also bits [T, rows, bytes] for the Hamming distances.

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <thread>
#include <vector>

#if defined(__AMX_INT8__) && defined(__AVX512BW__)
#define NEURONAS_AMX 1
#endif
#if defined(__AVX512F__)
#include <immintrin.h>
#endif
#if defined(NEURONAS_AMX)
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace {

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

struct Shape {
    int64_t timesteps, batch, height, width, channels;
    int64_t pixels() const { return height * width; }
};

// ---------------------------------------------------------------------------------------------------------------
// Programs: the value of a node as operations on buffers that hold one image's block of channels.

enum LeafKind : int32_t { kDense = 0, kConvInt16 = 1, kConvFloat = 2 };

struct Leaf {
    int32_t kind;
    int32_t constant;    // 1: the same at every time step (leading dimension 1)
    const void* data;    // [T or 1, B, H, W, C]
    const float* scale;  // [T, C] for convolutions
    const float* shift;
};

enum OpCode : int32_t { kLoad = 0, kAddLeaf = 1, kAdd = 2, kPool = 3, kZero = 4, kCopy = 5 };

struct Op {
    int32_t code, target, source, leaf;  // target and source are buffers
    int32_t constant;                    // 1: the same at every time step, so computed at the first one only
};

struct Program {
    const Leaf* leaves;
    const Op* ops;
    int32_t n_ops, n_buffers, result, unused;
};

// What is evaluated at a time: some channels of some pixels of one image.
struct Region {
    int64_t first_channel, channels, first_pixel, pixels;
    int64_t size() const { return channels * pixels; }
};

bool has_pool(const Program& program) {
    return std::any_of(program.ops, program.ops + program.n_ops, [](const Op& op) { return op.code == kPool; });
}

// Without pooling, neighbours do not matter: a few pixels with all channels stay in the first-level cache. With it, a
// whole image is needed: as many channels as stay in the second-level cache.
std::vector<Region> regions(const Program& program, const Shape& s) {
    std::vector<Region> found;
    if (has_pool(program)) {
        const int64_t most = std::max<int64_t>(16, 32768 / s.pixels() / 16 * 16);
        for (int64_t first = 0; first < s.channels; first += most)
            found.push_back({first, std::min(most, s.channels - first), 0, s.pixels()});
    } else {
        const int64_t most = std::max<int64_t>(1, 2048 / s.channels);
        for (int64_t first = 0; first < s.pixels(); first += most)
            found.push_back({0, s.channels, first, std::min(most, s.pixels() - first)});
    }
    return found;
}

constexpr int64_t kLanes = 16;

#if defined(__AVX512F__)
inline __m512 widen(const float* in, __mmask16 lanes) { return _mm512_maskz_loadu_ps(lanes, in); }
#if defined(__AVX512BW__) && defined(__AVX512VL__)
inline __m512 widen(const int16_t* in, __mmask16 lanes) {
    return _mm512_cvtepi32_ps(_mm512_cvtepi16_epi32(_mm256_maskz_loadu_epi16(lanes, in)));
}
#else
inline __m512 widen(const int16_t* in, __mmask16 lanes) {
    alignas(64) float wide[16] = {};
    for (int c = 0; c < 16; ++c)
        if (lanes >> c & 1) wide[c] = in[c];
    return _mm512_load_ps(wide);
}
#endif
#endif

// Write (or add) a leaf's values to a buffer. 16 channels at a time, all pixels: scale and shift stay in registers.
template <bool Add, bool Scaled, typename Number>
void load_lanes(const Number* in, const float* scale, const float* shift, int64_t stride, const Region& region,
                float* __restrict__ out) {
    const int64_t n = region.channels;
    for (int64_t c = 0; c < n; c += kLanes) {
        const int64_t m = std::min(kLanes, n - c);
#if defined(__AVX512F__)
        const __mmask16 lanes = static_cast<__mmask16>((1u << m) - 1);
        const __m512 a = Scaled ? _mm512_maskz_loadu_ps(lanes, scale + c) : _mm512_setzero_ps();
        const __m512 b = Scaled ? _mm512_maskz_loadu_ps(lanes, shift + c) : _mm512_setzero_ps();
        for (int64_t p = 0; p < region.pixels; ++p) {
            __m512 value = widen(in + p * stride + c, lanes);
            if (Scaled) value = _mm512_add_ps(_mm512_mul_ps(value, a), b);
            float* to = out + p * n + c;
            if (Add) value = _mm512_add_ps(_mm512_maskz_loadu_ps(lanes, to), value);
            _mm512_mask_storeu_ps(to, lanes, value);
        }
#else
        for (int64_t p = 0; p < region.pixels; ++p)
            for (int64_t i = c; i < c + m; ++i) {
                const float raw = static_cast<float>(in[p * stride + i]);
                const float value = Scaled ? raw * scale[i] + shift[i] : raw;
                out[p * n + i] = Add ? out[p * n + i] + value : value;
            }
#endif
    }
}

template <bool Add>
void load(const Leaf& leaf, const Shape& s, int64_t t, int64_t b, const Region& region, float* __restrict__ out) {
    const int64_t image = (leaf.constant ? 0 : t) * s.batch + b;
    const int64_t at = (image * s.pixels() + region.first_pixel) * s.channels + region.first_channel;
    const float* scale = leaf.scale ? leaf.scale + t * s.channels + region.first_channel : nullptr;
    const float* shift = leaf.shift ? leaf.shift + t * s.channels + region.first_channel : nullptr;
    const float* floats = static_cast<const float*>(leaf.data) + at;
    if (leaf.kind == kDense)
        load_lanes<Add, false>(floats, scale, shift, s.channels, region, out);
    else if (leaf.kind == kConvInt16)
        load_lanes<Add, true>(static_cast<const int16_t*>(leaf.data) + at, scale, shift, s.channels, region, out);
    else
        load_lanes<Add, true>(floats, scale, shift, s.channels, region, out);
}

// x / divisor, correctly rounded without the slow division (Markstein: one correction by the remainder).
inline float divide(float x, float divisor, float reciprocal) {
#if defined(__FMA__)
    const float guess = x * reciprocal;
    return __builtin_fmaf(__builtin_fmaf(-guess, divisor, x), reciprocal, guess);
#else
    (void)reciprocal;
    return x / divisor;
#endif
}

// 3x3 average, zeros outside: sums along a row first, then down the column, then divided by 9.
void pool(const float* __restrict__ in, float* __restrict__ out, float* __restrict__ rows, const Shape& s, int64_t n) {
    const int64_t line = s.width * n;
    auto sum_row = [&](int64_t h, float* __restrict__ to) {
        const float* __restrict__ from = in + h * line;
        if (s.width == 1) {
            std::memcpy(to, from, n * sizeof(float));
            return;
        }
        for (int64_t i = 0; i < n; ++i) to[i] = (0.0f + from[i]) + from[i + n];
        for (int64_t i = n; i < line - n; ++i) to[i] = (from[i - n] + from[i]) + from[i + n];
        for (int64_t i = line - n; i < line; ++i) to[i] = (from[i - n] + from[i]) + 0.0f;
    };
    float* ring[3] = {rows, rows + line, rows + 2 * line};
    std::fill(ring[2], ring[2] + line, 0.0f);  // the row above the first
    sum_row(0, ring[0]);
    for (int64_t h = 0; h < s.height; ++h) {
        const float* __restrict__ above = ring[(h + 2) % 3];
        const float* __restrict__ here = ring[h % 3];
        float* below = ring[(h + 1) % 3];
        if (h + 1 < s.height)
            sum_row(h + 1, below);
        else
            std::fill(below, below + line, 0.0f);
        const float* __restrict__ under = below;
        float* __restrict__ o = out + h * line;
        for (int64_t i = 0; i < line; ++i) o[i] = divide((above[i] + here[i]) + under[i], 9.0f, 1.0f / 9.0f);
    }
}

struct Scratch {
    std::vector<float> memory;
    int64_t length;
    float* rows;
    Scratch(const Program& program, const Shape& s, const std::vector<Region>& regions, int64_t extra) {
        int64_t channels = 0;
        length = 0;
        for (const Region& region : regions) {
            length = std::max(length, region.size());
            channels = std::max(channels, region.channels);
        }
        memory.resize((program.n_buffers + extra) * length + 3 * s.width * channels);
        rows = buffer(program.n_buffers + extra);
    }
    float* buffer(int64_t i) { return memory.data() + i * length; }
};

const float* evaluate(const Program& program, const Shape& s, int64_t t, int64_t b, const Region& region,
                      Scratch& scratch) {
    const int64_t n = region.size();
    for (int32_t i = 0; i < program.n_ops; ++i) {
        const Op& op = program.ops[i];
        if (op.constant && t > 0) continue;  // still in its buffer, which nothing else uses
        float* target = scratch.buffer(op.target);
        const float* source = scratch.buffer(op.source);
        switch (op.code) {
            case kLoad: load<false>(program.leaves[op.leaf], s, t, b, region, target); break;
            case kAddLeaf: load<true>(program.leaves[op.leaf], s, t, b, region, target); break;
            case kAdd:
                for (int64_t k = 0; k < n; ++k) target[k] = target[k] + source[k];
                break;
            case kPool: pool(source, target, scratch.rows, s, region.channels); break;
            case kCopy: std::memcpy(target, source, n * sizeof(float)); break;
            default: std::fill(target, target + n, 0.0f);
        }
    }
    return scratch.buffer(program.result);
}

// Sums and sums of squares of N neighbouring channels over an image.
template <int64_t N>
void add_up(const float* x, int64_t n_pixels, int64_t stride, double* sum, double* square) {
    double total[N] = {}, total_of_squares[N] = {};
    for (int64_t p = 0; p < n_pixels; ++p)
        for (int64_t c = 0; c < N; ++c) {
            const double value = x[p * stride + c];
            total[c] += value;
            total_of_squares[c] += value * value;
        }
    for (int64_t c = 0; c < N; ++c) {
        sum[c] += total[c];
        square[c] += total_of_squares[c];
    }
}

// LIF neurons.
struct Neuron {
    float tau, threshold, reset;
};

// Where the spikes of a region go: bytes [pixel][channel] with a border (or null), bits [pixel][channel / 8].
struct SpikeTarget {
    uint8_t* bytes;
    int64_t pixel_stride, border;  // bytes from a pixel to the next, and besides from a row's last to the next row's first
    int64_t column, width;         // of the region's first pixel; of a row
    uint8_t* bits;
    int64_t bit_stride;
};

// One step of up to 16 neighbouring channels for all pixels of a region, whose drive is x, normalised if there is a scale.
template <bool Normalised>
void fire_lanes(const Neuron& neuron, const float* __restrict__ x, const float* scale, const float* shift,
                float* __restrict__ v, const Region& region, int64_t c, SpikeTarget to) {
    const int64_t n = region.channels, m = std::min(kLanes, n - c);
    uint8_t* bytes = to.bytes ? to.bytes + c : nullptr;
    uint8_t* bits = to.bits + c / 8;
    int64_t column = to.column;
#if defined(__AVX512BW__) && defined(__AVX512VL__)
    const __m512 reset = _mm512_set1_ps(neuron.reset), tau = _mm512_set1_ps(neuron.tau);
    const __m512 threshold = _mm512_set1_ps(neuron.threshold), reciprocal = _mm512_set1_ps(1.0f / neuron.tau);
    const __mmask16 lanes = static_cast<__mmask16>((1u << m) - 1);
    const __m512 a = Normalised ? _mm512_maskz_loadu_ps(lanes, scale + c) : reset;
    const __m512 b = Normalised ? _mm512_maskz_loadu_ps(lanes, shift + c) : reset;
#endif
    for (int64_t p = 0; p < region.pixels; ++p) {
#if defined(__AVX512BW__) && defined(__AVX512VL__)
        __m512 drive = _mm512_maskz_loadu_ps(lanes, x + p * n + c);
        if (Normalised) drive = _mm512_add_ps(_mm512_mul_ps(drive, a), b);
        const __m512 before = _mm512_maskz_loadu_ps(lanes, v + p * n + c);
        const __m512 numerator = _mm512_sub_ps(drive, _mm512_sub_ps(before, reset));
        const __m512 guess = _mm512_mul_ps(numerator, reciprocal);  // numerator / tau, as in divide()
        const __m512 quotient = _mm512_fmadd_ps(_mm512_fnmadd_ps(guess, tau, numerator), reciprocal, guess);
        const __m512 h = _mm512_add_ps(before, quotient);
        const __mmask16 fires = _mm512_mask_cmp_ps_mask(lanes, h, threshold, _CMP_GE_OQ);
        _mm512_mask_storeu_ps(v + p * n + c, lanes, _mm512_mask_mov_ps(h, fires, reset));
        if (bytes) _mm_mask_storeu_epi8(bytes, lanes, _mm_maskz_set1_epi8(fires, 1));
        uint32_t spikes = fires;
#else
        uint32_t spikes = 0;
        for (int64_t i = c; i < c + m; ++i) {
            float* u = v + p * n + i;
            const float drive = Normalised ? x[p * n + i] * scale[i] + shift[i] : x[p * n + i];
            const float h = *u + divide(drive - (*u - neuron.reset), neuron.tau, 1.0f / neuron.tau);
            const bool fires = h >= neuron.threshold;
            spikes |= static_cast<uint32_t>(fires) << (i - c);
            *u = fires ? neuron.reset : h;
            if (bytes) bytes[i - c] = fires;
        }
#endif
        bits[0] = static_cast<uint8_t>(spikes);
        if (m > 8) bits[1] = static_cast<uint8_t>(spikes >> 8);
        bits += to.bit_stride;
        if (bytes) bytes += to.pixel_stride;
        if (++column == to.width) {
            column = 0;
            if (bytes) bytes += to.border;
        }
    }
}

template <typename Number>
void reduce_image(const Number* in, const Shape& s, const float* __restrict__ scale, const float* __restrict__ shift,
                  float* __restrict__ out) {
    const int64_t n = s.channels, line = s.width * n;
    for (int64_t h = 0; h + 1 < s.height; h += 2)
        for (int64_t w = 0; w + 1 < s.width; w += 2, out += n) {
            const Number* top = in + h * line + w * n;
            const Number* bottom = top + line;
            for (int64_t c = 0; c < n; ++c) {
                auto value = [&](const Number* from) { return static_cast<float>(from[c]) * scale[c] + shift[c]; };
                out[c] = ((value(top) + value(top + n)) + (value(bottom) + value(bottom + n))) * 0.25f;
            }
        }
}

// Zero everything of an image's spikes that no neuron writes: the border, and channels beyond the real ones.
void clear_border(uint8_t* image, const Shape& s, int64_t pad, int64_t padded_channels) {
    const int64_t line = (s.width + 2 * pad) * padded_channels;
    if (padded_channels != s.channels) {
        std::memset(image, 0, (s.height + 2 * pad) * line);
        return;
    }
    std::memset(image, 0, pad * line);
    for (int64_t h = pad; h < s.height + pad; ++h) {
        std::memset(image + h * line, 0, pad * padded_channels);
        std::memset(image + (h + 1) * line - pad * padded_channels, 0, pad * padded_channels);
    }
    std::memset(image + (s.height + pad) * line, 0, pad * line);
}

}  // namespace

extern "C" {

// 1 if this build and this machine can run the AMX convolution.
int32_t neuronas_has_amx() {
#if defined(NEURONAS_AMX)
    constexpr long kRequestPermission = 0x1023, kTileData = 18;  // arch_prctl: ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
    static const int32_t granted = syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
    return granted;
#else
    return 0;
#endif
}

// Sums and sums of squares of a program's value: [T, C] each, added over images in order, so the result does not
// depend on the number of threads.
void neuronas_statistics(const Program* program, const Shape* shape, double* sums, double* squares, int32_t threads) {
    const Shape s = *shape;
    const auto parts = regions(*program, s);
    const int64_t length = s.timesteps * s.channels;
    std::vector<double> partial(s.batch * 2 * length);  // per image
    std::vector<std::vector<Scratch>> scratch(threads);
    parallel_for(s.batch, threads, [&](int64_t b, int thread) {
        if (scratch[thread].empty()) scratch[thread].emplace_back(*program, s, parts, 0);
        for (const Region& region : parts)
            for (int64_t t = 0; t < s.timesteps; ++t) {
                const float* x = evaluate(*program, s, t, b, region, scratch[thread][0]);
                double* sum = partial.data() + b * 2 * length + t * s.channels + region.first_channel;
                double* square = sum + length;
                const int64_t n = region.channels;
                int64_t c = 0;
                for (; c + kLanes <= n; c += kLanes) add_up<kLanes>(x + c, region.pixels, n, sum + c, square + c);
                for (; c < n; ++c) add_up<1>(x + c, region.pixels, n, sum + c, square + c);
            }
    });
    std::fill(sums, sums + length, 0.0);
    std::fill(squares, squares + length, 0.0);
    for (int64_t b = 0; b < s.batch; ++b)
        for (int64_t i = 0; i < length; ++i) {
            sums[i] += partial[b * 2 * length + i];
            squares[i] += partial[(b * 2 + 1) * length + i];
        }
}

// The value of a program: float32 [T, B, H, W, C].
void neuronas_materialise(const Program* program, const Shape* shape, float* out, int32_t threads) {
    const Shape s = *shape;
    const auto parts = regions(*program, s);
    std::vector<std::vector<Scratch>> scratch(threads);
    parallel_for(s.batch, threads, [&](int64_t b, int thread) {
        if (scratch[thread].empty()) scratch[thread].emplace_back(*program, s, parts, 0);
        for (const Region& region : parts)
            for (int64_t t = 0; t < s.timesteps; ++t) {
                const float* x = evaluate(*program, s, t, b, region, scratch[thread][0]);
                float* to = out + ((t * s.batch + b) * s.pixels() + region.first_pixel) * s.channels + region.first_channel;
                for (int64_t p = 0; p < region.pixels; ++p)
                    std::memcpy(to + p * s.channels, x + p * region.channels, region.channels * sizeof(float));
            }
    });
}

struct Fire {
    float tau, threshold, reset;
    int32_t pad;              // border of the spikes in pixels
    int64_t padded_channels;  // Cp
    const float* scale;       // [T, C], or null: batch normalisation in front of the neurons
    const float* shift;
    float* state;    // [B, H, W, C] membrane potentials, read and written; null: start at reset and forget
    uint8_t* spikes; // null: bits only
    uint8_t* bits;   // [T, rows, row_bytes]
    int64_t rows, row_bytes;
};

// LIF neurons on a program's value.
void neuronas_fire(const Program* program, const Shape* shape, const Fire* fire, int32_t threads) {
    const Shape s = *shape;
    const Fire f = *fire;
    const auto parts = regions(*program, s);
    const int64_t wide = s.width + 2 * f.pad, image_bytes = (s.height + 2 * f.pad) * wide * f.padded_channels;
    const int64_t pixel_bytes = (s.channels + 7) / 8;
    const Neuron neuron{f.tau, f.threshold, f.reset};
    std::vector<std::vector<Scratch>> scratch(threads);
    parallel_for(s.batch, threads, [&](int64_t b, int thread) {
        if (scratch[thread].empty()) scratch[thread].emplace_back(*program, s, parts, 1);
        Scratch& own = scratch[thread][0];
        float* v = own.buffer(program->n_buffers);
        for (int64_t t = 0; f.spikes && t < s.timesteps; ++t)
            clear_border(f.spikes + (t * s.batch + b) * image_bytes, s, f.pad, f.padded_channels);
        for (const Region& region : parts) {
            const int64_t n = region.channels;
            float* state = f.state ? f.state + (b * s.pixels() + region.first_pixel) * s.channels + region.first_channel
                                   : nullptr;
            if (state)
                for (int64_t p = 0; p < region.pixels; ++p)
                    std::memcpy(v + p * n, state + p * s.channels, n * sizeof(float));
            else
                std::fill(v, v + region.size(), f.reset);
            for (int64_t t = 0; t < s.timesteps; ++t) {
                const float* x = evaluate(*program, s, t, b, region, own);
                const float* scale = f.scale ? f.scale + t * s.channels + region.first_channel : nullptr;
                const float* shift = f.shift ? f.shift + t * s.channels + region.first_channel : nullptr;
                uint8_t* image = f.spikes ? f.spikes + (t * s.batch + b) * image_bytes + region.first_channel : nullptr;
                uint8_t* bits = f.bits + (t * f.rows + b) * f.row_bytes + region.first_pixel * pixel_bytes +
                                region.first_channel / 8;
                const int64_t h = region.first_pixel / s.width, w = region.first_pixel % s.width;
                const SpikeTarget target{
                    image ? image + ((h + f.pad) * wide + w + f.pad) * f.padded_channels : nullptr,
                    f.padded_channels, 2 * f.pad * f.padded_channels, w, s.width, bits, pixel_bytes};
                for (int64_t c = 0; c < n; c += kLanes)
                    if (scale)
                        fire_lanes<true>(neuron, x, scale, shift, v, region, c, target);
                    else
                        fire_lanes<false>(neuron, x, nullptr, nullptr, v, region, c, target);
            }
            if (state)
                for (int64_t p = 0; p < region.pixels; ++p)
                    std::memcpy(state + p * s.channels, v + p * n, n * sizeof(float));
        }
    });
}

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

// Normalise a convolution's sums and average disjoint 2x2 blocks: float32 [T, B, H / 2, W / 2, C].
void neuronas_reduce(const Leaf* leaf, const Shape* shape, float* out, int32_t threads) {
    const Shape s = *shape;
    parallel_for(s.timesteps * s.batch, threads, [&](int64_t image, int) {
        const int64_t t = image / s.batch, at = image * s.pixels() * s.channels;
        const float* scale = leaf->scale + t * s.channels;
        const float* shift = leaf->shift + t * s.channels;
        float* to = out + image * (s.height / 2) * (s.width / 2) * s.channels;
        if (leaf->kind == kConvInt16)
            reduce_image(static_cast<const int16_t*>(leaf->data) + at, s, scale, shift, to);
        else
            reduce_image(static_cast<const float*>(leaf->data) + at, s, scale, shift, to);
    });
}

// Take over exact sums that another library computed as float32 [n, H, W, C] (n images of one time step): store them as
// int16 or float32 and add them up, per channel, to sums and squares.
void neuronas_collect(const float* in, int64_t n_pixels, int64_t channels, int32_t as_int16, void* out, double* sums,
                      double* squares) {
    std::vector<double> total(2 * channels);
    for (int64_t p = 0; p < n_pixels; ++p) {
        const float* y = in + p * channels;
        if (as_int16) {
            int16_t* to = static_cast<int16_t*>(out) + p * channels;
            for (int64_t c = 0; c < channels; ++c) to[c] = static_cast<int16_t>(y[c]);
        } else {
            std::memcpy(static_cast<float*>(out) + p * channels, y, channels * sizeof(float));
        }
        for (int64_t c = 0; c < channels; ++c) {
            total[c] += y[c];
            total[channels + c] += static_cast<double>(y[c]) * y[c];
        }
    }
    for (int64_t c = 0; c < channels; ++c) {
        sums[c] += total[c];
        squares[c] += total[channels + c];
    }
}

constexpr int kMaxSlices = 4;

struct Convolution {
    const uint8_t* spikes;  // [N, H + 2p, W + 2p, Cp], followed by readable memory for 16 more pixels
    const int8_t* weights;  // [slices, out blocks of 16, Cp / depth, k * k, depth / 4, 16, 4]
    void* out;              // [N, H, W, out_channels] int16 or float32
    double* sums;           // [T, out_channels]
    double* squares;
    int64_t timesteps, batch, height, width, padded_channels, out_channels;
    int32_t pad, kernel, slices, as_int16;
};

// Exact convolution of spikes with 8-bit slices of weights on Intel AMX, with the statistics that batch normalisation
// needs. Each time step has batch images.
void neuronas_convolve(const Convolution* convolution, int32_t threads) {
#if defined(NEURONAS_AMX)
    const Convolution k = *convolution;
    const int64_t depth = std::min<int64_t>(64, k.padded_channels);
    const int64_t n_depth = k.padded_channels / depth;
    const int64_t wide = k.width + 2 * k.pad, image_bytes = (k.height + 2 * k.pad) * wide * k.padded_channels;
    const int64_t taps = k.kernel * k.kernel, n_blocks = (k.out_channels + 15) / 16, tile_bytes = depth * 16;
    const int64_t block_bytes = taps * n_depth * tile_bytes, slice_bytes = n_blocks * block_bytes;
    const int64_t n_segments = (k.width + 15) / 16 * k.height, per_row = (k.width + 15) / 16;
    const int64_t skip = k.pad - k.kernel / 2;  // the border may be wider than this kernel needs

    struct alignas(64) Tiles {
        uint8_t palette = 1, start = 0, reserved[14] = {};
        uint16_t columns[16] = {};
        uint8_t rows[16] = {};
    } tiles;
    static_assert(sizeof(Tiles) == 64);
    constexpr int kSpikes = 4, kWeights = 7;  // tiles: 0 to 3 sums of four pixel segments, 4 to 6 spikes, 7 weights
    for (int i = 0; i < 8; ++i) tiles.rows[i] = 16, tiles.columns[i] = 64;
    for (int i = kSpikes; i < kWeights; ++i) tiles.columns[i] = static_cast<uint16_t>(depth);
    tiles.rows[kWeights] = static_cast<uint8_t>(depth / 4);

    std::vector<double> partial(2 * k.timesteps * k.batch * k.out_channels);  // per image: the order is then fixed
    parallel_for(k.timesteps * k.batch, threads, [&](int64_t image, int) {
        _tile_loadconfig(&tiles);
        alignas(64) int32_t found[kMaxSlices][4][16][16];
        double* sums = partial.data() + image * 2 * k.out_channels;
        double* squares = sums + k.out_channels;
        const uint8_t* base = k.spikes + image * image_bytes + skip * (wide + 1) * k.padded_channels;
        // One block of 16 outputs at a time: its weights and the rows in use fit the first-level cache.
        for (int64_t block = 0; block < n_blocks; ++block) {
            const int64_t first = block * 16, n = std::min<int64_t>(16, k.out_channels - first);
            const __mmask16 mask = static_cast<__mmask16>((1u << n) - 1);
            __m512i low = _mm512_setzero_si512(), high_half = low, even = low, odd = low;
            double wide_sum[16] = {}, wide_square[16] = {};
            for (int64_t group = 0; group < n_segments; group += 4) {
                const int64_t n_parts = std::min<int64_t>(4, n_segments - group);
                const uint8_t* a[4];
                for (int64_t part = 0; part < 4; ++part) {
                    const int64_t segment = group + std::min(part, n_parts - 1);
                    a[part] = base + (segment / per_row * wide + segment % per_row * 16) * k.padded_channels;
                }
                for (int32_t slice = 0; slice < k.slices; ++slice) {
                    const int8_t* w = k.weights + slice * slice_bytes + block * block_bytes;
                    _tile_zero(0);
                    _tile_zero(1);
                    _tile_zero(2);
                    _tile_zero(3);
                    // Kernel positions innermost: they read almost the same lines, which are then in the cache.
                    for (int64_t d = 0; d < k.padded_channels; d += depth)
                        for (int64_t tap = 0; tap < taps; ++tap, w += tile_bytes) {
                            const int64_t at = (tap / k.kernel * wide + tap % k.kernel) * k.padded_channels + d;
                            _tile_loadd(7, w, 64);
                            _tile_loadd(4, a[0] + at, k.padded_channels);
                            _tile_dpbusd(0, 4, 7);
                            _tile_loadd(5, a[1] + at, k.padded_channels);
                            _tile_dpbusd(1, 5, 7);
                            _tile_loadd(6, a[2] + at, k.padded_channels);
                            _tile_dpbusd(2, 6, 7);
                            _tile_loadd(4, a[3] + at, k.padded_channels);
                            _tile_dpbusd(3, 4, 7);
                        }
                    _tile_stored(0, found[slice][0], 64);
                    _tile_stored(1, found[slice][1], 64);
                    _tile_stored(2, found[slice][2], 64);
                    _tile_stored(3, found[slice][3], 64);
                }
                __m512i sum = _mm512_setzero_si512();  // of 64 pixels: fits 32 bits
                for (int64_t part = 0; part < n_parts; ++part) {
                    const int64_t h = (group + part) / per_row, column = (group + part) % per_row * 16;
                    const int64_t m = std::min<int64_t>(16, k.width - column);
                    const int64_t at = ((image * k.height + h) * k.width + column) * k.out_channels + first;
                    if (k.as_int16) {
                        int16_t* out = static_cast<int16_t*>(k.out) + at;
                        for (int64_t p = 0; p < m; ++p) {
                            const __m512i y = _mm512_load_si512(found[0][part][p]);
                            const __m512i high = _mm512_srli_epi64(y, 32);
                            sum = _mm512_add_epi32(sum, y);
                            even = _mm512_add_epi64(even, _mm512_mul_epi32(y, y));
                            odd = _mm512_add_epi64(odd, _mm512_mul_epi32(high, high));
                            _mm256_mask_storeu_epi16(out + p * k.out_channels, mask, _mm512_cvtepi32_epi16(y));
                        }
                    } else {
                        float* out = static_cast<float*>(k.out) + at;
                        for (int64_t p = 0; p < m; ++p)
                            for (int64_t c = 0; c < n; ++c) {
                                double y = found[0][part][p][c];
                                for (int32_t slice = 1; slice < k.slices; ++slice)
                                    y += static_cast<double>(found[slice][part][p][c]) * (1 << (8 * slice));
                                wide_sum[c] += y;
                                wide_square[c] += y * y;
                                out[p * k.out_channels + c] = static_cast<float>(y);
                            }
                    }
                }
                low = _mm512_add_epi64(low, _mm512_cvtepi32_epi64(_mm512_castsi512_si256(sum)));
                high_half = _mm512_add_epi64(high_half, _mm512_cvtepi32_epi64(_mm512_extracti64x4_epi64(sum, 1)));
            }
            if (k.as_int16) {
                alignas(64) int64_t total[16], evens[8], odds[8];
                _mm512_store_si512(total, low);
                _mm512_store_si512(total + 8, high_half);
                _mm512_store_si512(evens, even);
                _mm512_store_si512(odds, odd);
                for (int64_t c = 0; c < n; ++c) {
                    wide_sum[c] = static_cast<double>(total[c]);
                    wide_square[c] = static_cast<double>(c % 2 ? odds[c / 2] : evens[c / 2]);
                }
            }
            std::memcpy(sums + first, wide_sum, n * sizeof(double));
            std::memcpy(squares + first, wide_square, n * sizeof(double));
        }
        _tile_release();
    });
    std::fill(k.sums, k.sums + k.timesteps * k.out_channels, 0.0);
    std::fill(k.squares, k.squares + k.timesteps * k.out_channels, 0.0);
    for (int64_t image = 0; image < k.timesteps * k.batch; ++image)
        for (int64_t c = 0; c < k.out_channels; ++c) {
            k.sums[image / k.batch * k.out_channels + c] += partial[image * 2 * k.out_channels + c];
            k.squares[image / k.batch * k.out_channels + c] += partial[(image * 2 + 1) * k.out_channels + c];
        }
#else
    (void)convolution, (void)threads;
#endif
}

}  // extern "C"
