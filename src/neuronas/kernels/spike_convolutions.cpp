// Convolutions of spikes for training, stride 1, same padding: forward, and the gradient of the weights.
//
// Both visit only the neurons that spike. Values and spikes are [n, H, W, channels] float32; the number of outputs is a
// multiple of kLanes. Sums are only added, so integer weights give exact sums below 2^24.

#include "lanes.h"

namespace {

struct SpikeConvolution {
    const float* spikes;    // [n, H, W, in], 0 or 1
    const float* weights;   // forward: [k, k, in, out]
    const int8_t* codes;    // forward: the weights, if all are integers of 8 bits; otherwise null
    const float* scale;     // forward: [out], factor of the sums
    const float* gradient;  // backward: of the values
    float* values;          // forward: [n, H, W, out]
    float* weight_gradient; // backward: [k, k, in, out]
    double* totals;         // forward: [2, out], sum and sum of squares of the values
    int64_t n, height, width, in, out, kernel;
    int64_t limit;          // how many codes int16 can add

    int64_t half() const { return kernel / 2; }
    int64_t pixels() const { return height * width; }
    int64_t padded_width() const { return width + 2 * half(); }
    int64_t padded_pixels() const { return (height + 2 * half()) * padded_width(); }
    int64_t n_weights() const { return kernel * kernel * in * out; }
};

constexpr int64_t kMostRows = 16;  // of a kernel

// Call use(channel) for each spike of a pixel.
template <typename Use>
inline void each_spike(const float* pixel, int64_t channels, const Use& use) {
    int64_t c = 0;
    for (; c + kLanes <= channels; c += kLanes)
        for (unsigned bits = packed(at_least(load(pixel + c), all(0.5f))); bits; bits &= bits - 1)
            use(c + __builtin_ctz(bits));
    for (; c < channels; ++c)
        if (pixel[c] >= 0.5f) use(c);
}

constexpr int kByte = 8;
typedef uint8_t Bits8 __attribute__((vector_size(kByte)));
typedef uint32_t Entries __attribute__((vector_size(kByte * 4)));

// Write first + distance * channel for each spike of a pixel, and up to kByte entries more; returns how many spikes.
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

// The images of a chunk are one thread's, so that sums do not depend on which thread is faster.
struct Chunk {
    int64_t first, last;
    Chunk(int64_t n, int64_t index, int64_t n_chunks)
        : first(n * index / n_chunks), last(n * (index + 1) / n_chunks) {}
};

class Forward {
   public:
    explicit Forward(const SpikeConvolution& k) : k_(k), totals_(2 * k.out) {}

    const std::vector<double>& run(Chunk images) {
        for (int64_t image = images.first; image < images.last; ++image) {
            if (k_.out <= 2 * kLanes)
                spread(image);
            else
                collect(image);
        }
        return totals_;
    }

   private:
    // Few outputs: a spike adds its weights to the pixels around it.
    void spread(int64_t image) {
        sums_of_pixels_.assign(k_.padded_pixels() * k_.out, 0.0f);
        if (k_.out == kLanes)
            k_.kernel == 3 ? spread<1, 3>(image) : spread<1, 0>(image);
        else
            k_.kernel == 3 ? spread<2, 3>(image) : spread<2, 0>(image);
        for (int64_t y = 0; y < k_.height; ++y)
            take_row(image, y, sums_of_pixels_.data() + ((y + k_.half()) * k_.padded_width() + k_.half()) * k_.out);
    }

    template <int kVectors, int kKernel>
    void spread(int64_t image) {
        const int64_t kernel = kKernel ? kKernel : k_.kernel, line = k_.padded_width() * k_.out;
        const float* pixel = k_.spikes + image * k_.pixels() * k_.in;
        for (int64_t y = 0; y < k_.height; ++y)
            for (int64_t x = 0; x < k_.width; ++x, pixel += k_.in) {
                // Tap (0, 0) of the kernel leads to the pixel below and to the right.
                float* corner = sums_of_pixels_.data() + (y + 2 * k_.half()) * line + (x + 2 * k_.half()) * k_.out;
                each_spike(pixel, k_.in, [&](int64_t c) {
                    const float* row = k_.weights + c * k_.out;
                    for (int64_t dy = 0; dy < kernel; ++dy)
                        for (int64_t dx = 0; dx < kernel; ++dx, row += k_.in * k_.out) {
                            float* to = corner - dy * line - dx * k_.out;
                            for (int v = 0; v < kVectors; ++v)
                                store(to + v * kLanes, load(to + v * kLanes) + load(row + v * kLanes));
                        }
                });
            }
    }

    // Many outputs: a pixel collects the rows of weights of the spikes around it, in registers.
    void collect(int64_t image) {
        list(image);
        row_.resize(k_.width * k_.out);
        for (int64_t y = 0; y < k_.height; ++y) {
            int64_t c = 0;
            for (; c + 8 * kLanes <= k_.out; c += 8 * kLanes) collect_row<8>(y, c);
            for (; c + 4 * kLanes <= k_.out; c += 4 * kLanes) collect_row<4>(y, c);
            for (; c < k_.out; c += kLanes) collect_row<1>(y, c);
            take_row(image, y, row_.data());
        }
    }

    // Where the weights of each spike begin, relative to those of column 0 and channel 0.
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

    template <int kVectors>
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
                add<FloatSums, kVectors>(k_.weights, segments, n, to, false);
            else if (n_spikes <= k_.limit)
                add<CodeSums, kVectors / 2>(k_.codes, segments, n, to, false);
            else
                for (int64_t i = 0; i < n; ++i) {
                    if (segments[i].end - segments[i].at <= k_.limit)
                        add<CodeSums, kVectors / 2>(k_.codes, segments + i, 1, to, i > 0);
                    else
                        add<FloatSums, kVectors>(k_.weights, segments + i, 1, to, i > 0);
                }
        }
    }

    struct Segment {
        const uint32_t *at, *end;
        int64_t offset;  // of the weights that the list's entries refer to
    };

    struct FloatSums {
        using Vector = Lanes;
        static constexpr int64_t kSize = kLanes;
        static Vector read(const float* from) { return load(from); }
        static void write(float* to, Vector sum, bool adds) { store(to, adds ? load(to) + sum : sum); }
    };
    struct CodeSums {  // a quarter of the memory, and two vectors of outputs at a time
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
                FloatSums::write(to + i * kLanes, __builtin_convertvector(integers(parts[i]), Lanes), adds);
        }
    };

    template <typename Sums, int kVectors, typename Number>
    static void add(const Number* weights, const Segment* segments, int64_t n_segments, float* to, bool adds) {
        if constexpr (kVectors > 0) {
            using Vector = typename Sums::Vector;
            constexpr int kChains = kVectors >= 8 ? 1 : 2;  // so many sums in flight hide the latency of an addition
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

    // Scale and store the sums of a row of pixels, and add up what batch normalisation needs.
    void take_row(int64_t image, int64_t y, const float* from) {
        float* to = k_.values + (image * k_.pixels() + y * k_.width) * k_.out;
        for (int64_t c = 0; c < k_.out; c += kLanes) {
            const Lanes scale = load(k_.scale + c);
            for (int64_t x = 0; x < k_.width; x += kRun) {
                Lanes sum = {}, square = {};
                for (int64_t i = x; i < std::min(x + kRun, k_.width); ++i) {
                    const Lanes value = load(from + i * k_.out + c) * scale;
                    store(to + i * k_.out + c, value);
                    sum += value;
                    square += value * value;
                }
                add_to(totals_.data() + c, sum);
                add_to(totals_.data() + k_.out + c, square);
            }
        }
    }

    const SpikeConvolution& k_;
    std::vector<double> totals_;
    std::vector<float> sums_of_pixels_, row_;
    std::vector<uint32_t> list_, starts_;
};

// The gradient of a weight is the sum of the values' gradient at all places that a spike reaches through it.
class WeightGradient {
   public:
    explicit WeightGradient(const SpikeConvolution& k)
        : k_(k), found_(k.n_weights()), lists_(k.in * k.pixels()), sizes_(k.in) {}

    const std::vector<float>& run(Chunk images) {
        for (int64_t image = images.first; image < images.last; ++image) {
            list(image);
            switch (k_.kernel) {
                case 1: run<1, 8>(image); break;
                case 3: run<3, 4>(image); break;
                case 5: run<5, 2>(image); break;
                default: run<0, 8>(image);
            }
        }
        return found_;
    }

   private:
    // The pixels of each channel's spikes, as numbers of pixels of the padded image.
    void list(int64_t image) {
        const float* pixels = k_.spikes + image * k_.pixels() * k_.in;
        int64_t c = 0;
        for (; c + kByte <= k_.in; c += kByte) list_channels<kByte>(pixels + c, c);
        for (; c < k_.in; ++c) list_channels<1>(pixels + c, c);
    }

    // Without a branch: every pixel is written, and counts if there is a spike.
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

    template <int kKernel, int kMost>
    void run(int64_t image) {
        int64_t c = 0;
        for (; c + kMost * kLanes <= k_.out; c += kMost * kLanes) run_block<kKernel, kMost>(image, c);
        for (; kMost > 2 && c + 2 * kLanes <= k_.out; c += 2 * kLanes) run_block<kKernel, 2>(image, c);
        for (; c < k_.out; c += kLanes) run_block<kKernel, 1>(image, c);
    }

    // Outputs [c, c + kVectors * kLanes). kKernel: 0 for sides that have no code of their own.
    template <int kKernel, int kVectors>
    void run_block(int64_t image, int64_t c) {
        constexpr int64_t kBlock = kVectors * kLanes;
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
                    add_taps<kKernel ? kKernel : 1, kVectors>(channel, c, dy, 0, line);
                } else {
                    for (int64_t dx = 0; dx < k_.kernel; ++dx)
                        add_taps<1, kVectors>(channel, c, dy, dx, line + (2 * half - dx) * kBlock);
                }
            }
    }

    // Taps [dx, dx + kTaps) of row dy; `line` begins where the last of them leads a spike at pixel 0.
    template <int kTaps, int kVectors>
    void add_taps(int64_t channel, int64_t c, int64_t dy, int64_t dx, const float* line) {
        constexpr int64_t kBlock = kVectors * kLanes;
        Lanes sums[kTaps * kVectors] = {};
        const uint32_t *at = lists_.data() + channel * k_.pixels(), *end = at + sizes_[channel];
        for (; at < end; ++at) {
            const float* reached = line + *at * kBlock;
            for (int v = 0; v < kTaps * kVectors; ++v) sums[v] += load(reached + v * kLanes);
        }
        for (int tap = 0; tap < kTaps; ++tap) {
            float* to = found_.data() + ((dy * k_.kernel + dx + tap) * k_.in + channel) * k_.out + c;
            const Lanes* of = sums + (kTaps - 1 - tap) * kVectors;
            for (int v = 0; v < kVectors; ++v) store(to + v * kLanes, load(to + v * kLanes) + of[v]);
        }
    }

    const SpikeConvolution& k_;
    std::vector<float> found_, padded_;
    std::vector<uint32_t> lists_;
    std::vector<uint32_t> sizes_;
};

// Run a job on all images and add up what its chunks found, in order.
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

// Values and their totals.
int32_t neuronas_spike_convolution(const SpikeConvolution* convolution, int32_t threads) {
    return answer([&] {
        const SpikeConvolution k = *convolution;
        if (k.out % kLanes || k.kernel % 2 == 0 || k.kernel > kMostRows) return kUnknown;
        run_chunks<Forward>(k, threads, k.totals, 2 * k.out);
        return 0;
    });
}

// The gradient of the weights.
int32_t neuronas_spike_convolution_gradient(const SpikeConvolution* convolution, int32_t threads) {
    return answer([&] {
        const SpikeConvolution k = *convolution;
        if (k.out % kLanes || k.kernel % 2 == 0) return kUnknown;
        run_chunks<WeightGradient>(k, threads, k.weight_gradient, k.n_weights());
        return 0;
    });
}

int32_t neuronas_lanes() { return kLanes; }

}  // extern "C"
