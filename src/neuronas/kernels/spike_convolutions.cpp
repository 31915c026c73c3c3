// Convolutions of spikes for training, stride 1, same padding: forward pass, and gradient of the weights.
//
// Both visit only the neurons that spike or, with few channels, look up sums of four neurons in tables. Values and
// spikes are [n, H, W, channels] float32; the number of outputs is a multiple of kFewestLanes. Weights are only added,
// so integer weights give exact sums below 2^24.

#include "lanes.h"

namespace {

struct SpikeConvolution {
    const float* spikes;    // [n, H, W, in], 0 or 1
    const float* weights;   // forward: [k, k, in, out]
    const int8_t* codes;    // forward: the weights if all are 8-bit integers; otherwise null
    const float* scale;     // forward: [out], scale of the sums
    const float* gradient;  // backward: gradient of the values
    float* values;          // forward: [n, H, W, out]
    float* weight_gradient; // backward: [k, k, in, out]
    double* totals;         // forward: [2, out], sums and sums of squares of the values
    int64_t n, height, width, in, out, kernel;
    int64_t limit;          // number of codes whose sum fits int16

    int64_t half() const { return kernel / 2; }
    int64_t pixels() const { return height * width; }
    int64_t padded_width() const { return width + 2 * half(); }
    int64_t padded_pixels() const { return (height + 2 * half()) * padded_width(); }
    int64_t n_weights() const { return kernel * kernel * in * out; }
};

constexpr int64_t kMostRows = 16;  // limit of the kernel's side

constexpr int kByte = 8;
typedef uint8_t Bits8 __attribute__((vector_size(kByte)));
typedef uint32_t Entries __attribute__((vector_size(kByte * 4)));

// Write first + distance * channel for each spike of a pixel, then up to kByte unused entries; returns their number.
inline uint32_t list_spikes(const float* pixel, int64_t channels, uint32_t first, uint32_t distance, uint32_t* to) {
    uint32_t n = 0;
    int64_t c = 0;
    for (; c + kLanes <= channels; c += kLanes) {
        unsigned bits = packed(at_least(load(pixel + c), all(0.5f)));
        for (int64_t at = c; at < c + kLanes; at += kByte, bits >>= kByte) {
            const Entries of = __builtin_convertvector(load_as<Bits8>(kPositions.of[bits & 255]), Entries);
            store(to + n, of * distance + (first + static_cast<uint32_t>(at) * distance));
            n += kPositions.n[bits & 255];
        }
    }
    for (; c < channels; ++c)
        if (pixel[c] >= 0.5f) to[n++] = first + static_cast<uint32_t>(c) * distance;
    return n;
}

// A range of images computed by one thread, so that sums do not depend on the speed of threads.
struct Chunk {
    int64_t first, last;
    Chunk(int64_t n, int64_t index, int64_t n_chunks)
        : first(n * index / n_chunks), last(n * (index + 1) / n_chunks) {}
};

// Sums of weights for groups of four channels, so that a pixel reads one row for four neurons, spiking or not.
// [k, k, groups, 16, out]: row m of the 16 is the sum over the channels whose bit is 1 in m.
struct Tables {
    static constexpr int64_t kGroup = 4, kRows = 1 << kGroup;

    explicit Tables(const SpikeConvolution& k) : groups((k.in + kGroup - 1) / kGroup) {
        rows.resize(k.kernel * k.kernel * groups * kRows * k.out);
        float* to = rows.data();
        for (int64_t tap = 0; tap < k.kernel * k.kernel; ++tap)
            for (int64_t group = 0; group < groups; ++group, to += kRows * k.out)
                for (int64_t m = 1; m < kRows; ++m) {
                    const int64_t c = group * kGroup + __builtin_ctz(static_cast<unsigned>(m));
                    const float* rest = to + (m & (m - 1)) * k.out;  // sum without the lowest bit
                    const float* weight = k.weights + (tap * k.in + std::min(c, k.in - 1)) * k.out;
                    for (int64_t o = 0; o < k.out; ++o) to[m * k.out + o] = c < k.in ? rest[o] + weight[o] : rest[o];
                }
    }

    const int64_t groups;
    std::vector<float> rows;
};

class Forward {
   public:
    explicit Forward(const SpikeConvolution& k) : k_(k), totals_(2 * k.out) {}

    const std::vector<double>& run(Chunk images) {
        row_.resize(k_.width * k_.out);
        if (k_.out == 8 || k_.out == 16) {
            const Tables tables(k_);
            for (int64_t image = images.first; image < images.last; ++image) look_up(tables, image);
        } else {
            for (int64_t image = images.first; image < images.last; ++image) collect(image);
        }
        return totals_;
    }

   private:
    // Few outputs: for each pixel, rows of the tables are added.
    void look_up(const Tables& tables, int64_t image) {
        number(tables.groups, image);
        for (int64_t y = 0; y < k_.height; ++y) {
            if (k_.out == 8)
                k_.kernel == 3 ? look_up_row<8, 3>(tables, y) : look_up_row<8, 0>(tables, y);
            else
                k_.kernel == 3 ? look_up_row<16, 3>(tables, y) : look_up_row<16, 0>(tables, y);
            take_row(image, y, row_.data());
        }
    }

    // Offsets of the rows for each group of four channels in a table: [padded pixels, groups].
    void number(int64_t groups, int64_t image) {
        list_.assign(k_.padded_pixels() * groups, 0);
        for (int64_t y = 0; y < k_.height; ++y) {
            const float* from = k_.spikes + (image * k_.pixels() + y * k_.width) * k_.in;
            uint32_t* to = list_.data() + ((y + k_.half()) * k_.padded_width() + k_.half()) * groups;
            if (k_.in % Tables::kGroup == 0) {
                number(from, k_.width * k_.in, to);
            } else {
                for (int64_t x = 0; x < k_.width; ++x) number(from + x * k_.in, k_.in, to + x * groups);
            }
        }
    }
    void number(const float* from, int64_t n, uint32_t* to) const {
        const uint32_t out = static_cast<uint32_t>(k_.out);
        int64_t i = 0;
        for (; i + kLanes <= n; i += kLanes)
            for (unsigned at = 0, bits = packed(at_least(load(from + i), all(0.5f))); at < kLanes; at += 4, bits >>= 4)
                *to++ = (bits & 15) * out;
        for (; i < n; i += Tables::kGroup) {
            uint32_t bits = 0;
            for (int64_t one = 0; one < std::min(Tables::kGroup, n - i); ++one)
                bits |= static_cast<uint32_t>(from[i + one] >= 0.5f) << one;
            *to++ = bits * out;
        }
    }

    template <int kOut, int kKernel>
    void look_up_row(const Tables& tables, int64_t y) {
        using Vector = std::conditional_t<kOut == kFewestLanes, FewestLanes, Lanes>;
        constexpr int64_t kSize = kLanesOf<Vector>, kVectors = kOut / kSize, kChains = 2;
        const int64_t kernel = kKernel ? kKernel : k_.kernel, n = kernel * tables.groups, step = Tables::kRows * kOut;
        for (int64_t x = 0; x < k_.width; ++x) {
            Vector sums[kChains][kVectors] = {};
            const float* table = tables.rows.data();
            for (int64_t dy = 0; dy < kernel; ++dy) {
                const uint32_t* at = list_.data() + ((y + dy) * k_.padded_width() + x) * tables.groups;
                int64_t i = 0;
                for (; i + kChains <= n; i += kChains)
                    for (int64_t chain = 0; chain < kChains; ++chain, table += step)
                        for (int64_t v = 0; v < kVectors; ++v)
                            sums[chain][v] += load_as<Vector>(table + at[i + chain] + v * kSize);
                for (; i < n; ++i, table += step)
                    for (int64_t v = 0; v < kVectors; ++v) sums[0][v] += load_as<Vector>(table + at[i] + v * kSize);
            }
            for (int64_t v = 0; v < kVectors; ++v) store(row_.data() + x * kOut + v * kSize, sums[0][v] + sums[1][v]);
        }
    }

    // Many outputs: for each pixel, the rows of weights of the spikes around it are added in registers.
    void collect(int64_t image) {
        list(image);
        for (int64_t y = 0; y < k_.height; ++y) {
            int64_t c = 0;
            for (; c + 8 * kLanes <= k_.out; c += 8 * kLanes) collect_row<Lanes, 8>(y, c);
            for (; c + 4 * kLanes <= k_.out; c += 4 * kLanes) collect_row<Lanes, 4>(y, c);
            for (; c + 2 * kLanes <= k_.out; c += 2 * kLanes) collect_row<Lanes, 2>(y, c);
            for (; c + kLanes <= k_.out; c += kLanes) collect_row<Lanes, 1>(y, c);
            if (c < k_.out) collect_row<FewestLanes, 1>(y, c);
            take_row(image, y, row_.data());
        }
    }

    // Offset of the weights of each spike, relative to those of column 0 and channel 0.
    void list(int64_t image) {
        starts_.resize(k_.pixels() + 1);
        list_.resize(k_.pixels() * k_.in + kByte);
        const float* pixel = k_.spikes + image * k_.pixels() * k_.in;
        uint32_t size = 0;
        for (int64_t p = 0; p < k_.pixels(); ++p, pixel += k_.in) {
            starts_[p] = size;
            const uint32_t first = static_cast<uint32_t>(p % k_.width * k_.in * k_.out);
            size += list_spikes(pixel, k_.in, first, static_cast<uint32_t>(k_.out), list_.data() + size);
        }
        starts_[k_.pixels()] = size;
    }

    template <typename Vector, int kVectors>
    void collect_row(int64_t y, int64_t c) {
        const int64_t half = k_.half(), first_dy = std::max<int64_t>(0, half - y);
        const int64_t last_dy = std::min(k_.kernel, k_.height + half - y);
        for (int64_t x = 0; x < k_.width; ++x) {
            const int64_t first = std::max<int64_t>(0, x - half), last = std::min(k_.width, x + half + 1);
            const int64_t offset = -(x - half) * k_.in * k_.out + c;
            float* to = row_.data() + x * k_.out + c;
            Segment segments[kMostRows];
            int64_t n_spikes = 0;
            for (int64_t dy = first_dy; dy < last_dy; ++dy) {
                const uint32_t* starts = starts_.data() + (y + dy - half) * k_.width;
                segments[dy - first_dy] = {list_.data() + starts[first], list_.data() + starts[last],
                                           offset + dy * k_.kernel * k_.in * k_.out};
                n_spikes += starts[last] - starts[first];
            }
            const int64_t n = last_dy - first_dy;
            if (kVectors % 2 || !k_.codes)
                add<FloatSums<Vector>, kVectors>(k_.weights, segments, n, to, false);
            else if (n_spikes <= k_.limit)
                add<CodeSums, kVectors / 2>(k_.codes, segments, n, to, false);
            else
                for (int64_t i = 0; i < n; ++i) {
                    if (segments[i].end - segments[i].at <= k_.limit)
                        add<CodeSums, kVectors / 2>(k_.codes, segments + i, 1, to, i > 0);
                    else
                        add<FloatSums<Vector>, kVectors>(k_.weights, segments + i, 1, to, i > 0);
                }
        }
    }

    struct Segment {
        const uint32_t *at, *end;
        int64_t offset;  // offset of the weights to which the list's entries refer
    };

    template <typename Floats>
    struct FloatSums {
        using Vector = Floats;
        static constexpr int64_t kSize = kLanesOf<Vector>;
        static Vector read(const float* from) { return load_as<Vector>(from); }
        static void write(float* to, Vector sum, bool adds) { store(to, adds ? read(to) + sum : sum); }
    };
    struct CodeSums {  // a quarter of the memory, two vectors of outputs at a time
        using Vector = WideShorts;
        static constexpr int64_t kSize = 2 * kLanes;
        static Vector read(const int8_t* from) {
            typedef int8_t Bytes __attribute__((vector_size(kLanes * 2)));
            return __builtin_convertvector(load_as<Bytes>(from), Vector);
        }
        static void write(float* to, Vector sum, bool adds) {
            Shorts parts[2];
            std::memcpy(parts, &sum, sizeof(sum));
            for (int i = 0; i < 2; ++i)
                FloatSums<Lanes>::write(to + i * kLanes, __builtin_convertvector(integers(parts[i]), Lanes), adds);
        }
    };

    template <typename Sums, int kVectors, typename Number>
    static void add(const Number* weights, const Segment* segments, int64_t n_segments, float* to, bool adds) {
        if constexpr (kVectors > 0) {
            using Vector = typename Sums::Vector;
            constexpr int kChains = kVectors >= 8 ? 1 : 2;  // independent sums hide the latency of an addition
            constexpr int64_t kSize = Sums::kSize;
            Vector sums[kChains][kVectors] = {};
            for (int64_t i = 0; i < n_segments; ++i) {
                const Number* base = weights + segments[i].offset;
                const uint32_t *at = segments[i].at, *end = segments[i].end;
                for (; at + kChains <= end; at += kChains)
                    for (int chain = 0; chain < kChains; ++chain)
                        for (int v = 0; v < kVectors; ++v) sums[chain][v] += Sums::read(base + at[chain] + v * kSize);
                for (; at < end; ++at)
                    for (int v = 0; v < kVectors; ++v) sums[0][v] += Sums::read(base + *at + v * kSize);
            }
            for (int v = 0; v < kVectors; ++v) {
                for (int chain = 1; chain < kChains; ++chain) sums[0][v] += sums[chain][v];
                Sums::write(to + v * kSize, sums[0][v], adds);
            }
        }
    }

    // Scale and store the sums of a row of pixels, and accumulate the statistics for batch normalisation.
    void take_row(int64_t image, int64_t y, const float* from) {
        float* to = k_.values + (image * k_.pixels() + y * k_.width) * k_.out;
        with_lanes(k_.out, [&](auto vector) {
            for (int64_t c = 0; c < k_.out; c += kLanesOf<decltype(vector)>) take<decltype(vector)>(c, from + c, to + c);
        });
    }
    template <typename Vector>
    void take(int64_t c, const float* from, float* to) {
        const Vector scale = load_as<Vector>(k_.scale + c);
        for (int64_t x = 0; x < k_.width; x += kRun) {
            Vector sum = {}, square = {};
            for (int64_t i = x; i < std::min(x + kRun, k_.width); ++i) {
                const Vector value = load_as<Vector>(from + i * k_.out) * scale;
                store(to + i * k_.out, value);
                sum += value;
                square += value * value;
            }
            add_to(totals_.data() + c, sum);
            add_to(totals_.data() + k_.out + c, square);
        }
    }

    const SpikeConvolution& k_;
    std::vector<double> totals_;
    std::vector<float> row_;
    std::vector<uint32_t> list_, starts_;
};

// The gradient of a weight is the sum of the outputs' gradients over all positions that spikes reach through it.
class WeightGradient {
   public:
    explicit WeightGradient(const SpikeConvolution& k)
        : k_(k), found_(k.n_weights()), lists_(k.in * k.pixels()), sizes_(k.in) {}

    const std::vector<float>& run(Chunk images) {
        for (int64_t image = images.first; image < images.last; ++image) {
            list(image);
            with_lanes(k_.out, [&](auto vector) {
                using Vector = decltype(vector);
                switch (k_.kernel) {
                    case 1: run<Vector, 1, 8>(image); break;
                    case 3: run<Vector, 3, 4>(image); break;
                    case 5: run<Vector, 5, 2>(image); break;
                    default: run<Vector, 0, 8>(image);
                }
            });
        }
        return found_;
    }

   private:
    // For each channel, the indices of its spikes in the padded image.
    void list(int64_t image) {
        const float* pixels = k_.spikes + image * k_.pixels() * k_.in;
        int64_t c = 0;
        for (; c + kByte <= k_.in; c += kByte) list_channels<kByte>(pixels + c, c);
        for (; c < k_.in; ++c) list_channels<1>(pixels + c, c);
    }

    // Without branches: every pixel is written, and the list grows only if there is a spike.
    template <int kChannels>
    void list_channels(const float* pixel, int64_t channel) {
        uint32_t* to = lists_.data() + channel * k_.pixels();
        uint32_t sizes[kChannels] = {};
        for (int64_t y = 0; y < k_.height; ++y)
            for (int64_t x = 0; x < k_.width; ++x, pixel += k_.in)
                for (int c = 0; c < kChannels; ++c) {
                    to[c * k_.pixels() + sizes[c]] = static_cast<uint32_t>(y * k_.padded_width() + x);
                    sizes[c] += pixel[c] >= 0.5f;
                }
        std::copy_n(sizes, kChannels, sizes_.data() + channel);
    }

    template <typename Vector, int kKernel, int kMost>
    void run(int64_t image) {
        constexpr int64_t kSize = kLanesOf<Vector>;
        int64_t c = 0;
        for (; c + kMost * kSize <= k_.out; c += kMost * kSize) run_block<Vector, kKernel, kMost>(image, c);
        for (; kMost > 2 && c + 2 * kSize <= k_.out; c += 2 * kSize) run_block<Vector, kKernel, 2>(image, c);
        for (; c < k_.out; c += kSize) run_block<Vector, kKernel, 1>(image, c);
    }

    // Outputs [c, c + kVectors * lanes). kKernel: side of the kernel, or 0 for sides without specialised code.
    template <typename Vector, int kKernel, int kVectors>
    void run_block(int64_t image, int64_t c) {
        constexpr int64_t kBlock = kVectors * kLanesOf<Vector>;
        const int64_t half = k_.half(), wide = k_.padded_width();
        padded_.assign(k_.padded_pixels() * kBlock, 0.0f);
        const float* from = k_.gradient + image * k_.pixels() * k_.out + c;
        for (int64_t y = 0; y < k_.height; ++y)
            for (int64_t x = 0; x < k_.width; ++x, from += k_.out)
                std::memcpy(padded_.data() + ((y + half) * wide + x + half) * kBlock, from, kBlock * sizeof(float));
        for (int64_t channel = 0; channel < k_.in; ++channel)
            for (int64_t dy = 0; dy < k_.kernel; ++dy) {
                const float* line = padded_.data() + (2 * half - dy) * wide * kBlock;
                if (kKernel) {
                    add_taps<Vector, kKernel ? kKernel : 1, kVectors>(channel, c, dy, 0, line);
                } else {
                    for (int64_t dx = 0; dx < k_.kernel; ++dx)
                        add_taps<Vector, 1, kVectors>(channel, c, dy, dx, line + (2 * half - dx) * kBlock);
                }
            }
    }

    // Taps [dx, dx + kTaps) of row dy; `line` is where the last of them leads from a spike at pixel 0.
    template <typename Vector, int kTaps, int kVectors>
    void add_taps(int64_t channel, int64_t c, int64_t dy, int64_t dx, const float* line) {
        constexpr int64_t kSize = kLanesOf<Vector>, kBlock = kVectors * kSize;
        Vector sums[kTaps * kVectors] = {};
        const uint32_t *at = lists_.data() + channel * k_.pixels(), *end = at + sizes_[channel];
        for (; at < end; ++at) {
            const float* reached = line + *at * kBlock;
            for (int v = 0; v < kTaps * kVectors; ++v) sums[v] += load_as<Vector>(reached + v * kSize);
        }
        for (int tap = 0; tap < kTaps; ++tap) {
            float* to = found_.data() + ((dy * k_.kernel + dx + tap) * k_.in + channel) * k_.out + c;
            const Vector* of = sums + (kTaps - 1 - tap) * kVectors;
            for (int v = 0; v < kVectors; ++v) store(to + v * kSize, load_as<Vector>(to + v * kSize) + of[v]);
        }
    }

    const SpikeConvolution& k_;
    std::vector<float> found_, padded_;
    std::vector<uint32_t> lists_, sizes_;
};

// Run a job on all images and add the results of its chunks, in order.
template <typename Job, typename Number>
void run_chunks(const SpikeConvolution& k, int32_t threads, Number* total, int64_t size) {
    const int64_t n_chunks = std::max<int64_t>(1, std::min<int64_t>(threads, k.n));
    std::vector<std::vector<Number>> found(n_chunks);
    parallel_for(n_chunks, threads, [&](int64_t index, int) { found[index] = Job(k).run(Chunk(k.n, index, n_chunks)); });
    std::fill(total, total + size, Number{});
    for (const auto& part : found)
        for (int64_t i = 0; i < size; ++i) total[i] += part[i];
}

}  // namespace

extern "C" {

// Values and their sums and sums of squares.
int32_t neuronas_spike_convolution(const SpikeConvolution* convolution, int32_t threads) {
    return answer([&] {
        const SpikeConvolution k = *convolution;
        if (k.out % kFewestLanes || k.kernel % 2 == 0 || k.kernel > kMostRows) return kUnknown;
        run_chunks<Forward>(k, threads, k.totals, 2 * k.out);
        return 0;
    });
}

// The gradient of the weights.
int32_t neuronas_spike_convolution_gradient(const SpikeConvolution* convolution, int32_t threads) {
    return answer([&] {
        const SpikeConvolution k = *convolution;
        if (k.out % kFewestLanes || k.kernel % 2 == 0) return kUnknown;
        run_chunks<WeightGradient>(k, threads, k.weight_gradient, k.n_weights());
        return 0;
    });
}

}  // extern "C"
