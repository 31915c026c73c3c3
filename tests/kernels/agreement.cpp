// Runs every kernel on fixed pseudo-random inputs and prints a digest of each result. The digests must be the same on
// every instruction set and with every compiler, see tests/test_kernel_agreement.py. Exits with 1 if a convolution
// differs from the textbook definition or between methods.

#include "convolutions.cpp"
#include "distances.cpp"
#include "nodes.cpp"
#include "normalisation.cpp"
#include "pooling.cpp"
#include "spike_convolutions.cpp"
#include "threads.cpp"
#include "training.cpp"
#include "winograd.cpp"

#include <cstdio>
#include <cstdlib>
#include <memory>

namespace {

constexpr int kThreads = 3;
uint64_t random_state = 1;

uint32_t random_bits() {  // xorshift64*
    random_state ^= random_state >> 12, random_state ^= random_state << 25, random_state ^= random_state >> 27;
    return static_cast<uint32_t>(random_state * 0x2545f4914f6cdd1dULL >> 32);
}
int random_from(int low, int high) { return low + static_cast<int>(random_bits() % static_cast<uint32_t>(high - low + 1)); }
float random_float() { return static_cast<float>(random_from(-(1 << 20), 1 << 20)) / (1 << 19); }  // -2 to 2

// Like the engine's arrays: aligned to cache lines.
template <typename Number>
class Array {
   public:
    explicit Array(size_t n)
        : n_(n), data_(static_cast<Number*>(std::aligned_alloc(64, (n * sizeof(Number) + 63) / 64 * 64)), std::free) {
        std::fill(begin(), end(), Number{});
    }
    Number* begin() { return data_.get(); }
    Number* end() { return data_.get() + n_; }
    Number& operator[](size_t i) { return data_.get()[i]; }

    uint64_t digest(uint64_t hash = 14695981039346656037ULL) const {  // FNV-1a
        const uint8_t* bytes = reinterpret_cast<const uint8_t*>(data_.get());
        for (size_t i = 0; i < n_ * sizeof(Number); ++i) hash = (hash ^ bytes[i]) * 1099511628211ULL;
        return hash;
    }

   private:
    size_t n_;
    std::unique_ptr<Number, void (*)(void*)> data_;
};

template <typename Number, typename Draw>
Array<Number> filled(size_t n, Draw draw) {
    Array<Number> made(n);
    for (Number& x : made) x = static_cast<Number>(draw());
    return made;
}

void print(const char* name, const Shape& s, int code, uint64_t digest) {
    std::printf("%s %dx%dx%dx%dx%d %d %016llx\n", name, int(s.timesteps), int(s.batch), int(s.height), int(s.width),
                int(s.channels), code, static_cast<unsigned long long>(digest));
}
void expect(bool holds, const char* what) {
    if (holds) return;
    std::printf("wrong: %s\n", what);
    std::exit(1);
}

int64_t row_bytes(const Shape& s) { return (s.padded() / 8 * s.pixels() + 63) / 64 * 64; }
int64_t rows(const Shape& s) { return (s.batch + 3) / 4 * 4; }

struct Weights {  // [slices, out channels, channels, k, k]
    int64_t slices, outputs, channels, kernel;
    std::vector<int8_t> codes;
    int at(int64_t slice, int64_t o, int64_t c, int64_t y, int64_t x) const {
        return codes[(((slice * outputs + o) * channels + c) * kernel + y) * kernel + x];
    }
};

// See _rows of fitness/engine/native/convolution.py.
Array<int16_t> packed_rows(const Weights& w, int64_t block) {
    const int64_t n_blocks = (w.outputs + block - 1) / block, k = w.kernel;
    Array<int16_t> to(w.slices * n_blocks * block * w.channels * k * k);
    size_t i = 0;
    for (int64_t slice = 0; slice < w.slices; ++slice)
        for (int64_t b = 0; b < n_blocks; ++b)
            for (int64_t y = 0; y < k; ++y)
                for (int64_t outer = 0; outer < w.channels * k; ++outer)
                    for (int64_t o = b * block; o < (b + 1) * block; ++o, ++i) {
                        const bool spreads = block <= 32;
                        const int64_t c = spreads ? outer / k : outer % w.channels;
                        const int64_t x = spreads ? k - 1 - outer % k : outer / w.channels;
                        to[i] = o < w.outputs ? static_cast<int16_t>(w.at(slice, o, c, y, x)) : int16_t{0};
                    }
    return to;
}

// See _tiles of the same file.
Array<int8_t> packed_tiles(const Weights& w) {
    const int64_t width = w.channels <= 16 ? 16 : w.channels <= 32 ? 32 : (w.channels + 63) / 64 * 64;
    const int64_t depth = std::min<int64_t>(64, width), k = w.kernel;
    Array<int8_t> to(w.slices * w.outputs * width * k * k);
    size_t i = 0;
    for (int64_t slice = 0; slice < w.slices; ++slice)
        for (int64_t block = 0; block < w.outputs / 16; ++block)
            for (int64_t plane = 0; plane < width / depth; ++plane)
                for (int64_t tap = 0; tap < k * k; ++tap)
                    for (int64_t four = 0; four < depth / 4; ++four)
                        for (int64_t o = 0; o < 16; ++o)
                            for (int64_t one = 0; one < 4; ++one, ++i) {
                                const int64_t c = plane * depth + four * 4 + one;
                                if (c >= w.channels) continue;
                                to[i] = static_cast<int8_t>(w.at(slice, block * 16 + o, c, tap / k, tap % k));
                            }
    return to;
}

Array<uint8_t> random_spikes(const Shape& s, int percent) {
    Array<uint8_t> bits(s.timesteps * rows(s) * row_bytes(s));
    for (int64_t t = 0; t < s.timesteps; ++t)
        for (int64_t b = 0; b < s.batch; ++b)
            for (int64_t i = 0; i < s.padded() * s.pixels(); ++i)
                if (random_from(0, 99) < percent) bits[(t * rows(s) + b) * row_bytes(s) + i / 8] |= 1 << i % 8;
    return bits;
}

int64_t textbook(const Shape& s, Array<uint8_t>& bits, const Weights& w, int64_t image, int64_t o, int64_t pixel) {
    const int64_t row = image / s.batch * rows(s) + image % s.batch, half = w.kernel / 2;
    int64_t sum = 0;
    for (int64_t dy = 0; dy < w.kernel; ++dy)
        for (int64_t dx = 0; dx < w.kernel; ++dx) {
            const int64_t y = pixel / s.width + dy - half, x = pixel % s.width + dx - half;
            if (y < 0 || y >= s.height || x < 0 || x >= s.width) continue;
            for (int64_t c = 0; c < w.channels; ++c) {
                const int64_t plane = c / kPlane, n = s.plane_channels(plane);
                const int64_t bit = plane * kPlane * s.pixels() + (y * s.width + x) * n + c % kPlane;
                if (!(bits[row * row_bytes(s) + bit / 8] >> bit % 8 & 1)) continue;
                for (int64_t slice = 0; slice < w.slices; ++slice)
                    sum += int64_t{w.at(slice, o, c, dy, dx)} * (int64_t{1} << 8 * slice);
            }
        }
    return sum;
}

void convolutions(const Shape& s, int64_t outputs, int64_t kernel, int64_t slices, int32_t format, int percent, bool big) {
    Array<uint8_t> bits = random_spikes(s, percent);
    Weights w{slices, outputs, s.padded(), kernel, {}};
    w.codes.resize(slices * outputs * w.channels * kernel * kernel);
    for (int8_t& code : w.codes) code = static_cast<int8_t>(big ? 127 : random_from(-128, 127));
    const Shape out_shape{s.timesteps, s.batch, s.height, s.width, outputs};
    const size_t n = s.timesteps * s.batch * outputs * s.pixels();
    uint64_t first = 0;
    for (int32_t variant : {16, 32, 64, 128, 0}) {  // 0: tiles
        if (variant == 0 && !neuronas_has(kTiles)) continue;
        Array<int16_t> by_row = packed_rows(w, variant ? variant : 16);
        Array<int8_t> tiles = packed_tiles(w);
        Array<int16_t> narrow(format == kInt16 ? n : 0);
        Array<float> wide(format == kInt16 ? 0 : n);
        Array<double> sums(s.timesteps * outputs), squares(s.timesteps * outputs);
        Convolution k{};
        k.bits = bits.begin();
        k.weights = variant ? static_cast<const void*>(by_row.begin()) : tiles.begin();
        k.out = format == kInt16 ? static_cast<void*>(narrow.begin()) : wide.begin();
        k.sums = sums.begin(), k.squares = squares.begin();
        k.timesteps = s.timesteps, k.batch = s.batch, k.height = s.height, k.width = s.width;
        k.rows = rows(s), k.row_bytes = row_bytes(s), k.channels = s.padded(), k.out_channels = outputs;
        k.kernel = static_cast<int32_t>(kernel), k.slices = static_cast<int32_t>(slices), k.format = format;
        k.method = variant ? kEvents : kTiles, k.block = variant, k.limit = 32767 / 128;
        const int32_t fits = neuronas_convolve(&k, kThreads);
        expect(fits == (big && format == kInt16 ? 0 : 1), "convolution: overflow");
        if (!fits) continue;  // the stored values are then not used
        for (int64_t image = 0; image < s.timesteps * s.batch; ++image)
            for (int64_t o = 0; o < outputs; o += 5)
                for (int64_t pixel = 0; pixel < s.pixels(); pixel += 7) {
                    const int64_t at = k.at(image, o) + pixel * k.stride(o), sum = textbook(s, bits, w, image, o, pixel);
                    const double found = format == kInt16 ? double(narrow[at]) : double(wide[at]);
                    expect(found == double(float(sum)), "convolution: sum");
                }
        const uint64_t digest = squares.digest(sums.digest(narrow.digest(wide.digest())));
        expect(!first || digest == first, "convolution: methods differ");
        first = digest;
    }
    print("convolve", out_shape, static_cast<int>(kernel * 100 + slices * 10 + format), first);
}

void nodes(const Shape& s) {
    const size_t n = s.timesteps * s.batch * s.padded() * s.pixels(), n_affine = s.timesteps * s.padded();
    Array<float> dense = filled<float>(n, random_float), constant = filled<float>(n / s.timesteps, random_float);
    Array<int16_t> narrow = filled<int16_t>(n, [] { return random_from(-30000, 30000); });
    Array<float> wide = filled<float>(n, [] { return random_from(-(1 << 23), 1 << 23); });
    Array<float> small = filled<float>(n_affine, [] { return random_float() / 8192; });
    Array<float> tiny = filled<float>(n_affine, [] { return random_float() / (1 << 21); });
    Array<float> shift = filled<float>(n_affine, random_float);
    const Leaf leaves[] = {
        {kDense, 0, dense.begin(), nullptr, nullptr},
        {kConvInt16, 0, narrow.begin(), small.begin(), shift.begin()},
        {kConvFloat, 0, wide.begin(), tiny.begin(), shift.begin()},
        {kDense, 1, constant.begin(), nullptr, nullptr},
    };
    const Term terms[] = {{0, 0}, {0, 1}, {0, 2}, {0, 3}, {1, 0}, {1, 1}, {0, 1}, {1, 2}};
    for (int32_t kernel : {1, 3, 5, 7}) {
        // mean of two leaves, maximum of two others, a constant sum; then all of them
        const Step steps[] = {{kMean, kernel, 0, 0, 2, 0}, {kMaximum, kernel, 1, 2, 2, 0}, {kAdd, 1, 2, 3, 1, 1}};
        const Program pooled{leaves, terms, steps, 3, 3, 4, 4}, plain{leaves, terms, nullptr, 0, 0, 0, 4};
        const Program& program = kernel == 1 ? plain : pooled;
        Array<double> sums(n_affine), squares(n_affine);
        neuronas_statistics(&program, &s, sums.begin(), squares.begin(), kThreads);
        print("statistics", s, kernel, squares.digest(sums.digest()));
        Array<float> value(n);
        neuronas_materialise(&program, &s, value.begin(), kThreads);
        print("materialise", s, kernel, value.digest());
        for (bool normalised : {false, true}) {
            Array<uint8_t> bits = filled<uint8_t>(s.timesteps * rows(s) * row_bytes(s), random_bits);
            Array<float> state = filled<float>(n / s.timesteps, random_float);
            const Fire fire{4.0f / 3, 1.0f, -0.25f, normalised ? small.begin() : nullptr, shift.begin(),
                            kernel == 3 ? state.begin() : nullptr, bits.begin(), rows(s), row_bytes(s)};
            neuronas_fire(&program, &s, &fire, kThreads);
            print("fire", s, kernel * 10 + normalised, state.digest(bits.digest()));
            Array<int32_t> counts(s.timesteps * rows(s) * rows(s));
            neuronas_common(bits.begin(), s.timesteps, rows(s), row_bytes(s), counts.begin(), kThreads);
            print("common", s, kernel * 10 + normalised, counts.digest());
        }
    }
    Array<float> halved(s.timesteps * s.batch * s.padded() * (s.height / 2) * (s.width / 2));
    for (int leaf : {1, 2}) {
        neuronas_reduce(&leaves[leaf], &s, halved.begin(), kThreads);
        print("reduce", s, leaf, halved.digest());
    }
}

template <typename Number>
void lif(const std::vector<float>& values, int64_t timesteps, int64_t n) {
    auto draw = [&, i = size_t{0}]() mutable {
        Number x;
        write(&x, values[i++ % values.size()]);
        return x;
    };
    Array<Number> input = filled<Number>(timesteps * n, draw), gradient = filled<Number>(timesteps * n, draw);
    for (int32_t constant : {0, 1}) {
        Array<Number> spikes(timesteps * n);
        Lif k{input.begin(), gradient.begin(), spikes.begin(), timesteps, n, 4.0f / 3, 1.0f, -0.25f, constant, 0,
              sizeof(Number) == 2};
        neuronas_lif_forward(&k, kThreads);
        const Shape s{timesteps, 1, 1, 1, n};
        print("lif_forward", s, constant * 10 + k.is_bfloat16, spikes.digest());
        for (k.surrogate = kAtan; k.surrogate <= kFastSigmoid; ++k.surrogate) {
            // The sigmoid uses the exponential of the C library, which may round differently on other processors.
            if (k.surrogate == kSigmoid) continue;
            Array<Number> change(timesteps * n);
            k.output = change.begin();
            neuronas_lif_backward(&k, kThreads);
            print("lif_backward", s, k.surrogate * 100 + constant * 10 + k.is_bfloat16, change.digest());
        }
    }
}

void normalisation(const Shape& shape, int64_t channels, Array<float>& x, Array<float>& gradient) {
    const int64_t pixels = shape.batch * shape.pixels();
    Array<float> out(pixels * channels), running(2 * channels);
    auto gain = filled<float>(channels, random_float), bias = filled<float>(channels, random_float);
    Array<double> totals(2 * channels), moments(2 * channels);
    Normalisation k{x.begin(), nullptr, out.begin(), totals.begin(), gain.begin(), bias.begin(), moments.begin(),
                    moments.begin() + channels, running.begin(), running.begin() + channels, pixels, channels, pixels,
                    1e-5, 0.1};
    expect(!neuronas_channel_totals(&k, kThreads) && !neuronas_normalise(&k, kThreads), "normalisation");
    print("normalise", shape, int(channels), running.digest(moments.digest(totals.digest(out.digest()))));
    k.gradient = gradient.begin();
    expect(!neuronas_channel_totals(&k, kThreads) && !neuronas_normalise_gradient(&k, kThreads), "normalisation");
    print("normalise_gradient", shape, int(channels), totals.digest(out.digest()));
}

void pools(int64_t channels) {
    const Shape shape{1, 3, 7, 9, channels};
    auto x = filled<float>(3 * 63 * channels, random_float);
    for (int64_t side : {1, 2, 3}) {
        Array<float> means(x.end() - x.begin()), back(x.end() - x.begin());
        const int64_t padding = side / 2, height = (7 + 2 * padding - side) / side + 1;
        Pooling k{x.begin(), means.begin(), 3, 7, 9, height, 9 + 2 * padding - side + 1, channels,
                  side, side, side, 1, padding};
        expect(!neuronas_mean_pool(&k, kThreads), "pooling");
        print("mean_pool", shape, int(side), means.digest());
        k.from = means.begin(), k.to = back.begin();
        expect(!neuronas_mean_pool_gradient(&k, kThreads), "pooling");
        print("mean_pool_gradient", shape, int(side), back.digest());
    }
}

// Convolutions for training and batch normalisation; the inputs' gradient, whose rounding differs between instruction
// sets, is compared with the textbook definition.
void training(int64_t n, int64_t height, int64_t width, int64_t in, int64_t out, int64_t kernel, int percent) {
    const int64_t pixels = n * height * width, n_weights = kernel * kernel * in * out;
    auto spikes = filled<float>(pixels * in, [&] { return random_from(0, 99) < percent; });
    auto codes = filled<int8_t>(n_weights, [] { return random_from(-127, 127); });
    auto scale = filled<float>(out, random_float);
    auto gradient = filled<float>(pixels * out, random_float);
    Array<float> weights(n_weights), values(pixels * out), of_weights(n_weights);
    std::copy(codes.begin(), codes.end(), weights.begin());
    Array<double> totals(2 * out);
    const Shape shape{1, n, height, width, in};
    SpikeConvolution k{spikes.begin(), weights.begin(), nullptr, scale.begin(), gradient.begin(), values.begin(),
                       of_weights.begin(), totals.begin(), n, height, width, in, out, kernel, 32767 / 127};
    for (const int8_t* given : {static_cast<const int8_t*>(nullptr), static_cast<const int8_t*>(codes.begin())}) {
        k.codes = given;
        neuronas_spike_convolution(&k, kThreads);
        print("spike_convolution", shape, int(kernel * 1000 + out), totals.digest(values.digest()));
    }
    neuronas_spike_convolution_gradient(&k, kThreads);
    print("weight_gradient", shape, int(kernel * 1000 + out), of_weights.digest());
    normalisation(shape, out, values, gradient);
}

void input_gradient(int64_t n, int64_t height, int64_t width, int64_t in, int64_t out) {
    constexpr double kTransform[6][3] = {{1. / 4, 0, 0}, {-1. / 6, -1. / 6, -1. / 6}, {-1. / 6, 1. / 6, -1. / 6},
                                         {1. / 24, 1. / 12, 1. / 6}, {1. / 24, -1. / 12, 1. / 6}, {0, 0, 1}};
    auto gradient = filled<float>(n * height * width * out, random_float);
    auto weights = filled<float>(9 * in * out, random_float);  // [3, 3, in, out]
    Array<float> transformed(36 * in * out), found(n * height * width * in);
    for (int64_t point = 0; point < 36; ++point)
        for (int64_t o = 0; o < out; ++o)
            for (int64_t c = 0; c < in; ++c) {
                double sum = 0;
                for (int dy = 0; dy < 3; ++dy)
                    for (int dx = 0; dx < 3; ++dx)
                        sum += kTransform[point / 6][2 - dy] * kTransform[point % 6][2 - dx] *
                               double(weights[((dy * 3 + dx) * in + c) * out + o]);
                const int64_t first = c / panel(in) * panel(in);
                transformed[(point * in + first) * out + o * panel(in) + c - first] = static_cast<float>(sum);
            }
    InputGradient k{gradient.begin(), transformed.begin(), found.begin(), n, height, width, in, out};
    neuronas_input_gradient(&k, kThreads);
    for (int64_t i = 0; i < n; ++i)
        for (int64_t y = 0; y < height; ++y)
            for (int64_t x = 0; x < width; ++x)
                for (int64_t c = 0; c < in; ++c) {
                    double expected = 0;
                    for (int64_t dy = 0; dy < 3; ++dy)
                        for (int64_t dx = 0; dx < 3; ++dx) {
                            const int64_t to_y = y + 1 - dy, to_x = x + 1 - dx;
                            if (to_y < 0 || to_y >= height || to_x < 0 || to_x >= width) continue;
                            for (int64_t o = 0; o < out; ++o)
                                expected += double(gradient[((i * height + to_y) * width + to_x) * out + o]) *
                                            double(weights[((dy * 3 + dx) * in + c) * out + o]);
                        }
                    const double error = found[((i * height + y) * width + x) * in + c] - expected;
                    if (std::abs(error) > 1e-3) {
                        std::printf("input_gradient is off by %g\n", error);
                        std::exit(1);
                    }
                }
}

}  // namespace

int main() {
    const Shape shapes[] = {{2, 3, 7, 9, 20}, {2, 5, 8, 8, 40}, {1, 2, 17, 5, 70}, {1, 1, 3, 33, 16}};
    for (int64_t kernel : {1, 3, 5, 7}) {
        training(3, 6, 9, 20, 16, kernel, 20);
        training(4, 7, 5, 13, 48, kernel, 10);
        training(2, 8, 8, 8, 8, kernel, 30);
        training(2, 37, 8, 16, 40, kernel, 30);
        training(2, 9, 4, 40, 144, kernel, 60);  // more spikes than int16 can sum
    }
    for (int64_t channels : {8, 24, 48}) {
        const Shape shape{1, 7, 13, 11, channels};
        auto x = filled<float>(7 * 143 * channels, random_float), gradient = filled<float>(7 * 143 * channels, random_float);
        normalisation(shape, channels, x, gradient);
        pools(channels);
    }
    input_gradient(2, 9, 10, 32, 16);
    input_gradient(2, 9, 10, 8, 24);
    input_gradient(3, 8, 12, 16, 8);
    input_gradient(3, 8, 12, 24, 40);
    input_gradient(1, 5, 3, 64, 48);
    for (const Shape& s : shapes) {
        for (int64_t kernel : {1, 3, 5}) {
            convolutions(s, 48, kernel, 1, kInt16, 10, false);
            convolutions(s, 16, kernel, 1, kInt32, 60, false);
            convolutions(s, 32, kernel, 2, kInt32, 30, false);
            convolutions(s, 144, kernel, 4, kDouble, 10, false);
        }
        if (s.padded() > 16) convolutions(s, 32, 5, 1, kInt16, 95, true);  // sums up to 25 x 32 x 127 overflow
        convolutions(s, 32, 5, 1, kInt32, 95, true);
        nodes(s);
    }
    std::vector<float> values(10007);
    for (float& x : values) x = random_float();
    lif<float>(values, 4, 9001);
    lif<uint16_t>(values, 4, 9001);
    expect(neuronas_count(reinterpret_cast<const uint8_t*>("abcdefghijk"), 11) == 42, "count");
}
