// Exact convolutions of spikes with integer weights, with the statistics for batch normalisation.
//
// Two methods give the same sums. kEvents visits only the neurons that spike: each spike adds a row of weights (one for
// each output) to the sums of the pixels around it. kTiles multiplies all values, on the tiles of Intel AMX.

#include "lanes.h"

#include <array>

#if defined(NEURONAS_AVX512) && defined(__linux__) && defined(__x86_64__)
#define NEURONAS_AMX 1
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace {

constexpr int kMaxSlices = 4;

// How the sums of a convolution are accumulated and stored; chosen in convolution.py from a bound of the sums.
enum SumFormat : int32_t {
    kInt16 = 1,  // one slice, int16; overflow is detected during the computation
    kInt32 = 2,  // accumulated as int32, stored as float32
    kDouble = 3  // accumulated as float64, stored as float32
};

bool is_format(int32_t format) { return format >= kInt16 && format <= kDouble; }

enum Method : int32_t { kEvents = 1, kTiles = 2 };

struct Convolution : Shape {  // shape of the input; channels and out_channels are padded to multiples of 16
    const uint8_t* bits;    // spikes: [T, rows, row_bytes], see lanes.h
    const void* weights;    // in the layout of the method
    void* out;              // values: [T, B, planes, H, W, channels of a plane], int16 or float32
    double* sums;           // [T, out_channels], results are added
    double* squares;
    int64_t rows, row_bytes, out_channels;
    int32_t kernel, slices, format, method;
    int32_t block, limit;   // kEvents: outputs per block of weights; number of weights whose sum fits int16

    Shape output() const { return {timesteps, batch, height, width, out_channels}; }
    const uint8_t* image(int64_t index) const {
        return bits + (index / batch * rows + index % batch) * row_bytes;
    }
    // Position of output c of pixel 0 of an image in `out`, and the distance between pixels, in values.
    int64_t at(int64_t image, int64_t c) const { return output().offset(0, image, c / kPlane) + c % kPlane; }
    int64_t stride(int64_t c) const { return output().plane_channels(c / kPlane); }
};

typedef uint64_t UnsignedLongs __attribute__((vector_size(kLanes * 4)));

// Stores the sums of kLanes outputs and accumulates the exact statistics for batch normalisation.
class Outputs {
   public:
    Outputs(const Convolution& k, int64_t image, int64_t first) : format_(k.format), stride_(k.stride(first)) {
        if (format_ == kInt16)
            narrow_ = static_cast<int16_t*>(k.out) + k.at(image, first);
        else
            wide_ = static_cast<float*>(k.out) + k.at(image, first);
    }

    // Pixels [pixel, pixel + n), n <= 64: get(i) returns their sums as Integers. kIsNarrow: they fit int16.
    template <bool kIsNarrow, typename Get>
    void take(int64_t pixel, int64_t n, const Get& get) {
        Integers sum = {}, largest = largest_, pair = {};
        Longs even_square = even_square_, odd_square = odd_square_;
        for (int64_t i = 0; i < n; ++i) {
            const Integers y = get(i);
            sum += y;  // 64 pixels cannot overflow (kInt32: see convolution.py)
            if (kIsNarrow) {
                pair += y * y;
                if (i % 2 || i == n - 1) {  // two squares fit 32 unsigned bits
                    even_square += reinterpret_cast<Longs>(pair) & 0xffffffffLL;
                    odd_square += reinterpret_cast<Longs>(reinterpret_cast<UnsignedLongs>(pair) >> 32);
                    pair = Integers{};
                }
            } else {
                even_square += even_squares(y);
                odd_square += even_squares(reinterpret_cast<Integers>(reinterpret_cast<UnsignedLongs>(y) >> 32));
                largest = y > largest ? y : largest;
                largest = -y > largest ? -y : largest;
            }
            if (format_ == kInt16)
                store(narrow_ + (pixel + i) * stride_, __builtin_convertvector(y, Shorts));
            else
                store(wide_ + (pixel + i) * stride_, __builtin_convertvector(y, Lanes));
        }
        largest_ = largest, even_square_ = even_square, odd_square_ = odd_square;
        even_sum_ += even(sum);
        odd_sum_ += odd(sum);
    }

    // One pixel whose sums are accumulated as float64.
    void take_wide(int64_t pixel, const double* y) {
        for (int i = 0; i < kLanes; ++i) {
            wide_sum_[i] += y[i];
            wide_square_[i] += y[i] * y[i];
            wide_[pixel * stride_ + i] = static_cast<float>(y[i]);
        }
    }

    // Write the statistics; returns whether all sums fit the format.
    bool finish(double* sums, double* squares) const {
        bool fits = true;
        for (int i = 0; i < kLanes; ++i) {
            sums[i] = wide_sum_[i] + static_cast<double>(i % 2 ? odd_sum_[i / 2] : even_sum_[i / 2]);
            squares[i] = wide_square_[i] + static_cast<double>(i % 2 ? odd_square_[i / 2] : even_square_[i / 2]);
            fits &= format_ != kInt16 || largest_[i] <= 32767;
        }
        return fits;
    }

   private:
    const int32_t format_;
    const int64_t stride_;
    int16_t* narrow_ = nullptr;
    float* wide_ = nullptr;
    Integers largest_ = {};
    Longs even_sum_ = {}, odd_sum_ = {}, even_square_ = {}, odd_square_ = {};
    double wide_sum_[kLanes] = {}, wide_square_[kLanes] = {};
};

// Combine the slices of n sums and store them: at(slice, i) points to kLanes int32 sums.
template <typename At>
void take_slices(const Convolution& k, Outputs& outputs, int64_t pixel, int64_t n, const At& at) {
    if (k.format != kDouble) {
        outputs.take<false>(pixel, n, [&](int64_t i) {
            Integers y = load_as<Integers>(at(0, i));
            for (int32_t slice = 1; slice < k.slices; ++slice) y += load_as<Integers>(at(slice, i)) << (8 * slice);
            return y;
        });
        return;
    }
    for (int64_t i = 0; i < n; ++i) {
        double y[kLanes];
        for (int64_t c = 0; c < kLanes; ++c) {
            y[c] = at(0, i)[c];
            for (int32_t slice = 1; slice < k.slices; ++slice)
                y[c] += static_cast<double>(at(slice, i)[c]) * (1 << (8 * slice));
        }
        outputs.take_wide(pixel + i, y);
    }
}

// The spikes of an image as lists of channels, pixel by pixel.
class Events {
   public:
    // Distances between list entries for neighbouring columns of an image, and for neighbouring channels of a pixel.
    struct Distances {
        uint32_t column, channel;
    };

    // columns: factor of each entry's column; 0: columns are not needed.
    void read(const Convolution& k, const uint8_t* bits, Distances entry, uint32_t columns) {
        const int64_t pixels = k.pixels(), planes = k.planes();
        starts_.resize(pixels + 1);
        list_.resize(pixels * k.channels + 8);  // entries are written in groups of eight, one per bit
        columns_.resize(columns ? list_.size() : 0);
        size_t size = 0;
        for (int64_t pixel = 0, column = 0; pixel < pixels; ++pixel, column = column + 1 == k.width ? 0 : column + 1) {
            starts_[pixel] = static_cast<uint32_t>(size);
            const uint32_t first = static_cast<uint32_t>(column) * entry.column;
            for (int64_t plane = 0; plane < planes; ++plane) {
                const int64_t bytes = std::min(kPlane, k.channels - plane * kPlane) / 8;
                const uint8_t* from = bits + plane * kPlane / 8 * pixels + pixel * bytes;
                for (int64_t byte = 0; byte < bytes; ++byte) {
                    const uint8_t* of = kPositions.of[from[byte]];
                    const uint32_t base = first + static_cast<uint32_t>(plane * kPlane + byte * 8) * entry.channel;
                    for (int i = 0; i < 8; ++i) list_[size + i] = base + of[i] * entry.channel;
                    for (int i = 0; i < 8 && columns; ++i)
                        columns_[size + i] = static_cast<uint32_t>(column) * columns;
                    size += kPositions.n[from[byte]];
                }
            }
        }
        starts_[pixels] = static_cast<uint32_t>(size);
    }

    const uint32_t* at(int64_t pixel) const { return list_.data() + starts_[pixel]; }
    const uint32_t* column(const uint32_t* entry) const { return columns_.data() + (entry - list_.data()); }

   private:
    std::vector<uint32_t> list_, columns_, starts_;
};

// Memory aligned to cache lines, so that no vector crosses one.
template <typename Number>
class Aligned {
   public:
    Number* resize(size_t n) {  // content is undefined
        memory_.resize(n + kLine);
        const size_t rest = reinterpret_cast<uintptr_t>(memory_.data()) / sizeof(Number) % kLine;
        return data_ = memory_.data() + (kLine - rest) % kLine;
    }
    Number* data() { return data_; }

   private:
    static constexpr size_t kLine = 64 / sizeof(Number);
    std::vector<Number> memory_;
    Number* data_ = nullptr;
};

// Memory of a thread, reused between calls.
struct Workspace {
    Events events;
    Aligned<int16_t> sums;
    std::vector<int32_t> wide;
    std::vector<bool> narrow_rows;
    Aligned<uint8_t> spikes;
    std::array<int64_t, 5> spikes_of{};  // sizes for which the border of `spikes` is zero; so are weights of padding
};

struct HalfRegister {
    using Vector = Shorts;
};
struct WholeRegister {
    using Vector = WideShorts;
};

// Computes the sums of an image for kBlock outputs at a time.
//
// Many outputs: for each pixel, the rows of weights of the spikes around it are added in registers. Few outputs: those
// loops would be too short for branch prediction, so each spike adds its weights to the pixels around it.
template <int kBlock>
class EventKernel {
   public:
    EventKernel(const Convolution& k, Workspace& memory)
        : k_(k), memory_(memory), half_(k.kernel / 2), line_(k.kernel * k.channels * kBlock),
          weights_(static_cast<const int16_t*>(k.weights)) {}

    // Returns whether all sums fit the format. sums, squares: [out_channels].
    bool run(int64_t image, double* sums, double* squares) {
        bool fits = true;
        const uint32_t row = kBlock * sizeof(int16_t), kernel = static_cast<uint32_t>(k_.kernel);
        const uint32_t channels = static_cast<uint32_t>(k_.channels);
        if (kSpreads)
            memory_.events.read(k_, k_.image(image), {0, row * kernel}, row);
        else
            memory_.events.read(k_, k_.image(image), {row * channels, row}, 0);
        const int64_t n_blocks = (k_.out_channels + kBlock - 1) / kBlock;
        const int64_t band = std::max<int64_t>(1, kBandBytes / (k_.width * kBlock * 2));
        slice_ = n_blocks * k_.kernel * line_;
        memory_.narrow_rows.resize(k_.height);
        for (int64_t y = 0; y < k_.height; ++y) memory_.narrow_rows[y] = is_narrow(y);
        for (int64_t block = 0; block < n_blocks; ++block) {
            weights_ = static_cast<const int16_t*>(k_.weights) + block * k_.kernel * line_;
            const int64_t first = block * kBlock;
            const int64_t n = std::min<int64_t>(kBlock, k_.out_channels - first) / kLanes;
            std::vector<Outputs> outputs;
            outputs.reserve(n);
            for (int64_t v = 0; v < n; ++v) outputs.emplace_back(k_, image, first + v * kLanes);
            for (int64_t y = 0; y < k_.height; y += band) run_band(y, std::min(y + band, k_.height), outputs);
            for (int64_t v = 0; v < n; ++v)
                fits &= outputs[v].finish(sums + first + v * kLanes, squares + first + v * kLanes);
        }
        return fits;
    }

   private:
    static constexpr bool kSpreads = kBlock <= 32;
    static constexpr int64_t kBandBytes = 1 << 16;  // sums that fit the second-level cache with the weights
    // int16 sums in full registers; a block of 16 outputs fills half of the widest register.
    using Sums = typename std::conditional<(kBlock * 2 < kRegister), HalfRegister, WholeRegister>::type::Vector;
    static constexpr int64_t kSums = sizeof(Sums) / 2;
    static constexpr int kVectors = kBlock / kSums;

    bool is_inside(int64_t y, int64_t dy) const { return y + dy >= half_ && y + dy < k_.height + half_; }

    // Call use(from, to, base): row dy of the kernel adds the weights at base + *entry to a pixel, for all entries.
    template <typename Use>
    void each_segment(int64_t y, int64_t x, int64_t dy, int32_t slice, const Use& use) const {
        const int64_t first = std::max<int64_t>(0, x - half_), last = std::min(k_.width, x + half_ + 1);
        const int64_t pixel = (y + dy - half_) * k_.width;
        const int16_t* row = weights_ + slice * slice_ + dy * line_;
        auto at = [&](int64_t column) { return memory_.events.at(pixel + column); };
        if (!kSpreads)
            use(at(first), at(last), row - (x - half_) * k_.channels * kBlock);
        else
            for (int64_t column = first; column < last; ++column)
                use(at(column), at(column + 1), row + (x - column + half_) * kBlock);
    }

    static void add(const uint32_t* from, const uint32_t* to, const int16_t* weights, Sums* sums) {
        const char* base = reinterpret_cast<const char*>(weights);
        asm("" : "+r"(base));  // keeps one address for all vectors of a row; compilers would split it
        for (; from < to; ++from) {
            const Sums* row = reinterpret_cast<const Sums*>(base + *from);
            for (int v = 0; v < kVectors; ++v) sums[v] += row[v];
        }
    }

    void run_band(int64_t first, int64_t last, std::vector<Outputs>& outputs) {
        const auto rows = memory_.narrow_rows.begin();
        if (!std::all_of(rows + first, rows + last, [](bool narrow) { return narrow; }))
            return run_wide(first, last, outputs);
        const int64_t wide = kSpreads ? k_.width + 2 * half_ : k_.width;
        const int64_t n_sums = (last - first) * wide * kBlock;
        std::fill_n(memory_.sums.resize(n_sums), n_sums, 0);
        if (kSpreads)
            k_.kernel == 3 ? spread<3>(first, last) : spread<0>(first, last);
        else
            collect(first, last);
        const int16_t* found = memory_.sums.data() + (kSpreads ? half_ * kBlock : 0);
        for (size_t v = 0; v < outputs.size(); ++v)
            for (int64_t y = first; y < last; ++y)
                for (int64_t x = 0; x < k_.width; x += 64) {
                    const int16_t* from = found + ((y - first) * wide + x) * kBlock + v * kLanes;
                    outputs[v].template take<true>(
                        y * k_.width + x, std::min<int64_t>(64, k_.width - x),
                        [&](int64_t i) { return integers(load_as<Shorts>(from + i * kBlock)); });
                }
    }

    // Whether int16 can hold all sums of a row of pixels, for any weights within the limit.
    bool is_narrow(int64_t y) const {
        if (k_.slices > 1) return false;
        if (k_.kernel * k_.kernel * k_.channels <= k_.limit) return true;
        for (int64_t x = 0; x < k_.width; ++x)
            if (n_added(y, x) > k_.limit) return false;
        return true;
    }

    int64_t n_added(int64_t y, int64_t x) const {
        int64_t n = 0;
        for (int64_t dy = 0; dy < k_.kernel; ++dy)
            if (is_inside(y, dy))
                each_segment(y, x, dy, 0, [&](const uint32_t* from, const uint32_t* to, const int16_t*) { n += to - from; });
        return n;
    }

    // One row of the kernel at a time, so that its weights stay in the cache.
    void collect(int64_t first, int64_t last) {
        for (int64_t dy = 0; dy < k_.kernel; ++dy)
            for (int64_t y = first; y < last; ++y) {
                if (!is_inside(y, dy)) continue;
                int16_t* sums = memory_.sums.data() + (y - first) * k_.width * kBlock;
                for (int64_t x = 0; x < k_.width; ++x, sums += kBlock)
                    each_segment(y, x, dy, 0, [&](const uint32_t* from, const uint32_t* to, const int16_t* base) {
                        Sums some[kVectors];
                        for (int v = 0; v < kVectors; ++v) some[v] = load_as<Sums>(sums + v * kSums);
                        add(from, to, base, some);
                        for (int v = 0; v < kVectors; ++v) store(sums + v * kSums, some[v]);
                    });
            }
    }

    // The sums have a border of columns, for spikes at the edge.
    template <int kKernel>
    void spread(int64_t first, int64_t last) {
        const int64_t n = (kKernel ? kKernel : k_.kernel) * kVectors, wide = k_.width + 2 * half_;
        for (int64_t dy = 0; dy < k_.kernel; ++dy)
            for (int64_t y = first; y < last; ++y) {
                if (!is_inside(y, dy)) continue;
                const int64_t row = y + dy - half_;
                const uint32_t *entry = memory_.events.at(row * k_.width), *end = memory_.events.at((row + 1) * k_.width);
                const uint32_t* column = memory_.events.column(entry);
                const char* base = reinterpret_cast<const char*>(weights_ + dy * line_);
                char* sums = reinterpret_cast<char*>(memory_.sums.data() + (y - first) * wide * kBlock);
                for (; entry < end; ++entry, ++column) {
                    const Sums* from = reinterpret_cast<const Sums*>(base + *entry);
                    char* to = sums + *column;
                    for (int64_t v = 0; v < n; ++v)
                        store(to + v * sizeof(Sums), load_as<Sums>(to + v * sizeof(Sums)) + from[v]);
                }
            }
    }

    // One pixel at a time, for sums that may exceed int16.
    void run_wide(int64_t first, int64_t last, std::vector<Outputs>& outputs) {
        memory_.wide.resize(kMaxSlices * 64 * kBlock);
        int32_t* found = memory_.wide.data();
        const int64_t end = last * k_.width;
        for (int64_t start = first * k_.width; start < end; start += 64) {
            const int64_t n = std::min<int64_t>(64, end - start);
            for (int64_t i = 0; i < n; ++i)
                for (int32_t slice = 0; slice < k_.slices; ++slice)
                    add_wide(start + i, slice, found + (slice * 64 + i) * kBlock);
            for (size_t v = 0; v < outputs.size(); ++v)
                take_slices(k_, outputs[v], start, n, [&](int32_t slice, int64_t i) {
                    return found + (slice * 64 + i) * kBlock + v * kLanes;
                });
        }
    }

    void add_wide(int64_t pixel, int32_t slice, int32_t* found) const {
        const int64_t y = pixel / k_.width, x = pixel % k_.width;
        Sums sums[kVectors] = {};
        int64_t room = k_.limit;
        auto flush = [&] {
            int16_t added[kBlock];
            std::memcpy(added, sums, sizeof(added));
            for (int64_t c = 0; c < kBlock; ++c) found[c] += added[c];
            for (auto& sum : sums) sum = Sums{};
            room = k_.limit;
        };
        std::fill(found, found + kBlock, 0);
        for (int64_t dy = 0; dy < k_.kernel; ++dy)
            if (is_inside(y, dy))
                each_segment(y, x, dy, slice, [&](const uint32_t* from, const uint32_t* to, const int16_t* base) {
                    while (from < to) {
                        const int64_t n = std::min<int64_t>(room, to - from);
                        add(from, from + n, base, sums);
                        from += n;
                        if ((room -= n) == 0) flush();
                    }
                });
        flush();
    }

    const Convolution& k_;
    Workspace& memory_;
    const int64_t half_, line_;  // line_: number of weights of one kernel row
    const int16_t* weights_;  // weights of the block
    int64_t slice_ = 0;
};

template <int kBlock>
bool run_events(const Convolution& k, int64_t image, Workspace& memory, double* sums, double* squares) {
    return EventKernel<kBlock>(k, memory).run(image, sums, squares);
}

#if defined(NEURONAS_AMX)

#define AMX __attribute__((target("amx-tile,amx-int8")))

constexpr int kSpikes = 4, kWeights = 7;  // tiles 0 to 3: sums of four pixel segments, 4 to 6: spikes, 7: weights

using Products = int32_t[4][16][16];  // sums of four segments of 16 pixels, for 16 outputs

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

// Spikes of an image as bytes with a border: [n_depth, H + k - 1, W + k - 1, depth], with memory for 16 more pixels,
// since a tile always reads 16. Weights: int8 [slices, blocks of 16 outputs, n_depth, k * k, depth / 4, 16, 4].
class TileKernel {
   public:
    TileKernel(const Convolution& k, Workspace& memory)
        : k_(k), memory_(memory), depth_(k.channels <= 16 ? 16 : k.channels <= 32 ? 32 : 64),
          n_depth_((k.channels + depth_ - 1) / depth_), wide_(k.width + k.kernel - 1),
          plane_bytes_((k.height + k.kernel - 1) * wide_ * depth_) {}

    AMX bool run(int64_t image, double* sums, double* squares) {
        bool fits = true;
        read(k_.image(image));
        const Tiles tiles(depth_);
        _tile_loadconfig(&tiles);
        const int64_t block_bytes = k_.kernel * k_.kernel * n_depth_ * depth_ * 16, n_blocks = k_.out_channels / 16;
        const int64_t per_row = (k_.width + 15) / 16, n_segments = per_row * k_.height;
        alignas(64) Products found[kMaxSlices];
        // One block of 16 outputs at a time, so that its weights and the current rows fit the first-level cache.
        for (int64_t block = 0; block < n_blocks; ++block) {
            Outputs outputs(k_, image, block * 16);
            for (int64_t group = 0; group < n_segments; group += 4) {
                const int64_t n_parts = std::min<int64_t>(4, n_segments - group);
                const uint8_t* a[4];
                for (int64_t part = 0; part < 4; ++part) {
                    const int64_t segment = group + std::min(part, n_parts - 1);
                    a[part] = memory_.spikes.data() + (segment / per_row * wide_ + segment % per_row * 16) * depth_;
                }
                for (int32_t slice = 0; slice < k_.slices; ++slice)
                    multiply(a, static_cast<const int8_t*>(k_.weights) + (slice * n_blocks + block) * block_bytes,
                             found[slice]);
                for (int64_t part = 0; part < n_parts; ++part) {
                    const int64_t column = (group + part) % per_row * 16;
                    take_slices(k_, outputs, (group + part) / per_row * k_.width + column,
                                std::min<int64_t>(16, k_.width - column),
                                [&](int32_t slice, int64_t i) { return found[slice][part][i]; });
                }
            }
            fits &= outputs.finish(sums + block * 16, squares + block * 16);
        }
        _tile_release();
        return fits;
    }

   private:
    void read(const uint8_t* bits) {
        const int64_t half = k_.kernel / 2, pixels = k_.pixels();
        const std::array<int64_t, 5> sizes{k_.height, k_.width, k_.kernel, depth_, n_depth_};
        if (memory_.spikes_of != sizes) {
            const int64_t n_bytes = n_depth_ * plane_bytes_ + 16 * depth_;
            std::fill_n(memory_.spikes.resize(n_bytes), n_bytes, 0);
            memory_.spikes_of = sizes;
        }
        for (int64_t first = 0; first < k_.channels; first += kPlane) {
            const int64_t n = std::min(kPlane, k_.channels - first);
            const uint8_t* from = bits + first / 8 * pixels;
            uint8_t* to = memory_.spikes.data() + first / depth_ * plane_bytes_ + first % depth_;
            for (int64_t pixel = 0; pixel < pixels; ++pixel, from += n / 8) {
                uint32_t mask = 0;
                std::memcpy(&mask, from, n / 8);
                uint8_t* at = to + ((pixel / k_.width + half) * wide_ + pixel % k_.width + half) * depth_;
                if (n == kPlane)
                    _mm256_storeu_si256(reinterpret_cast<__m256i*>(at), _mm256_maskz_set1_epi8(mask, 1));
                else
                    _mm_storeu_si128(reinterpret_cast<__m128i*>(at),
                                     _mm_maskz_set1_epi8(static_cast<__mmask16>(mask), 1));
            }
        }
    }

    AMX void multiply(const uint8_t* const* a, const int8_t* w, Products found) const {
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
        // Kernel positions are innermost, since they read almost the same cache lines.
        for (int64_t plane = 0; plane < n_depth_; ++plane)
            for (int64_t tap = 0; tap < k_.kernel * k_.kernel; ++tap, w += 16 * depth_) {
                const int64_t at = (tap / k_.kernel * wide_ + tap % k_.kernel) * depth_ + plane * plane_bytes_;
                _tile_loadd(7, w, 64);
                _tile_loadd(4, a[0] + at, depth_);
                _tile_dpbusd(0, 4, 7);
                _tile_loadd(5, a[1] + at, depth_);
                _tile_dpbusd(1, 5, 7);
                _tile_loadd(6, a[2] + at, depth_);
                _tile_dpbusd(2, 6, 7);
                _tile_loadd(4, a[3] + at, depth_);
                _tile_dpbusd(3, 4, 7);
            }
        _tile_stored(0, found[0], 64);
        _tile_stored(1, found[1], 64);
        _tile_stored(2, found[2], 64);
        _tile_stored(3, found[3], 64);
    }

    const Convolution& k_;
    Workspace& memory_;
    const int64_t depth_, n_depth_, wide_, plane_bytes_;
};

#endif

}  // namespace

extern "C" {

// 1 if this build and this machine support a method.
int32_t neuronas_has(int32_t method) {
#if defined(NEURONAS_AMX)
    if (method == kTiles) {
        constexpr long kRequestPermission = 0x1023, kTileData = 18;  // arch_prctl: ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
        constexpr unsigned kTileAndInt8 = 3u << 24;  // cpuid 7, edx; Clang's __builtin_cpu_supports does not know them
        static const bool granted = [] {
            unsigned eax, ebx, ecx, edx = 0;
            return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && (edx & kTileAndInt8) == kTileAndInt8 &&
                   syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
        }();
        return granted;
    }
#endif
    return method == kEvents;
}

// Number of neurons that spike in n bytes of spikes.
int64_t neuronas_count(const uint8_t* bits, int64_t n) {
    int64_t total = 0;
    for (int64_t i = 0; i < n; i += 8) {
        uint64_t some = 0;
        std::memcpy(&some, bits + i, std::min<int64_t>(8, n - i));
        total += __builtin_popcountll(some);
    }
    return total;
}

// Exact convolution of spikes with 8-bit slices of weights, same padding, with the statistics for batch normalisation.
// Returns 0 if a sum does not fit the format, kUnknown for unknown codes, or kNoMemory.
int32_t neuronas_convolve(const Convolution* convolution, int32_t threads) {
    return answer([&] {
        const Convolution k = *convolution;
        auto run = run_events<16>;
        if (k.method == kEvents)
            run = k.block == 16 ? run_events<16> : k.block == 32 ? run_events<32> : k.block == 64 ? run_events<64>
                  : k.block == 128 ? run_events<128> : nullptr;
    #if defined(NEURONAS_AMX)
        if (k.method == kTiles)
            run = [](const Convolution& k, int64_t image, Workspace& memory, double* sums, double* squares) {
                return TileKernel(k, memory).run(image, sums, squares);
            };
    #endif
        if (!is_format(k.format) || k.slices < 1 || k.slices > kMaxSlices || !neuronas_has(k.method) || !run) return kUnknown;
        std::vector<double> partial(2 * k.timesteps * k.batch * k.out_channels);  // per image: the order is then fixed
        std::atomic<int32_t> fits{1};
        parallel_for(k.timesteps * k.batch, threads, [&](int64_t image, int) {
            static thread_local Workspace memory;
            double* sums = partial.data() + image * 2 * k.out_channels;
            if (!run(k, image, memory, sums, sums + k.out_channels)) fits = 0;
        });
        const double* from = partial.data();
        for (int64_t image = 0; image < k.timesteps * k.batch; ++image, from += 2 * k.out_channels)
            for (int64_t c = 0; c < k.out_channels; ++c) {
                k.sums[image / k.batch * k.out_channels + c] += from[c];
                k.squares[image / k.batch * k.out_channels + c] += from[k.out_channels + c];
            }
        return fits.load();
    });
}

}  // extern "C"
