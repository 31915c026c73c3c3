// The gradient of the inputs of a 3x3 convolution, stride 1, same padding, float32, by Winograd's minimal filtering
// F(4x4, 3x3) (Lavin and Gray, arXiv 1509.09308): 36 matrix products replace 144 multiplications per tile.

#include "lanes.h"

namespace {

struct InputGradient {
    const float* gradient;  // gradient of the values, [n, H, W, out]
    const float* weights;   // transformed, [36, in / kPanel, out, kPanel]
    float* found;           // [n, H, W, in]
    int64_t n, height, width, in, out;

    int64_t tiles_across() const { return (width + 3) / 4; }
    int64_t tiles_down() const { return (height + 3) / 4; }
    int64_t n_tiles() const { return n * tiles_down() * tiles_across(); }
};

constexpr int kTile = 4, kPatch = 6, kPoints = kPatch * kPatch;
constexpr int64_t kAtOnce = 48;  // tiles processed at a time, a multiple of kTileRows

// Number of inputs whose weights are stored together: the width of a block of products in registers.
constexpr int64_t panel(int64_t in) {
    const int64_t lanes = in % kLanes ? kFewestLanes : kLanes;
    return in % (2 * lanes) ? lanes : 2 * lanes;
}

inline Lanes multiply_add(Lanes a, Lanes b, Lanes c) {
#if defined(NEURONAS_AVX512)
    return _mm512_fmadd_ps(a, b, c);
#elif defined(NEURONAS_AVX2)
    return _mm256_fmadd_ps(a, b, c);
#else
    return a * b + c;
#endif
}
#if defined(NEURONAS_AVX512)
inline FewestLanes multiply_add(FewestLanes a, FewestLanes b, FewestLanes c) { return _mm256_fmadd_ps(a, b, c); }
#endif

// Transforms of six values to six, and of six to four.
template <typename Vector>
inline void transform_input(const Vector* d, int64_t step, Vector* to) {
    const Vector two = Vector{} + 2.0f, four = Vector{} + 4.0f, five = Vector{} + 5.0f;
    const Vector d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step], d5 = d[5 * step];
    const Vector a = d4 - four * d2, b = d3 - four * d1, c = d4 - d2, e = two * (d3 - d1);
    to[0] = four * d0 - five * d2 + d4;
    to[1] = a + b;
    to[2] = a - b;
    to[3] = c + e;
    to[4] = c - e;
    to[5] = four * d1 - five * d3 + d5;
}

template <typename Vector>
inline void transform_output(const Vector* m, int64_t step, Vector* to) {
    const Vector two = Vector{} + 2.0f, four = Vector{} + 4.0f, eight = Vector{} + 8.0f;
    const Vector plus = m[step] + m[2 * step], minus = m[step] - m[2 * step];
    const Vector far_plus = m[3 * step] + m[4 * step], far_minus = m[3 * step] - m[4 * step];
    to[0] = m[0] + plus + far_plus;
    to[1] = minus + two * far_minus;
    to[2] = plus + four * far_plus;
    to[3] = minus + eight * far_minus + m[5 * step];
}

// Panels of inputs, kVectors vectors wide.
template <typename Inputs, int kVectors>
class ImageTiles {
   public:
    explicit ImageTiles(const InputGradient& k) : k_(k) {
        before_.resize(kPoints * kAtOnce * k.out);
        after_.resize(kPoints * kAtOnce * k.in);
    }

    void run(int64_t first) {
        const int64_t n = std::min(kAtOnce, k_.n_tiles() - first);
        with_lanes(k_.out, [&](auto vector) {
            for (int64_t tile = 0; tile < n; ++tile) read<decltype(vector)>(first + tile, tile);
        });
        const int64_t n_rows = (n + kTileRows - 1) / kTileRows * kTileRows;  // rows after the last tile are undefined
        for (int point = 0; point < kPoints; ++point) {
            const float* weights = k_.weights + point * k_.out * k_.in;
            for (int64_t row = 0; row < n_rows; row += kTileRows) {
                const float* from = before_.data() + (point * kAtOnce + row) * k_.out;
                float* to = after_.data() + (point * kAtOnce + row) * k_.in;
                for (int64_t c = 0; c < k_.in; c += kPanel) multiply(from, weights + c * k_.out, to + c);
            }
        }
        for (int64_t tile = 0; tile < n; ++tile) write(first + tile, tile);
    }

   private:
    static constexpr int64_t kPanel = kVectors * kLanesOf<Inputs>;
    static constexpr int kTileRows = 12 / kVectors;  // rows of a block of products in registers

    struct Place {
        int64_t image, y, x;
    };
    Place place(int64_t tile) const {
        const int64_t across = k_.tiles_across(), down = k_.tiles_down();
        return {tile / (across * down), tile / across % down * kTile, tile % across * kTile};
    }

    template <typename Vector>
    void read(int64_t tile, int64_t slot) {
        const Place at = place(tile);
        for (int64_t c = 0; c < k_.out; c += kLanesOf<Vector>) {
            Vector d[kPoints], columns[kPoints], points[kPatch];
            for (int i = 0; i < kPatch; ++i)
                for (int j = 0; j < kPatch; ++j) {
                    const int64_t y = at.y + i - 1, x = at.x + j - 1;
                    const bool inside = y >= 0 && y < k_.height && x >= 0 && x < k_.width;
                    const float* from = k_.gradient + ((at.image * k_.height + y) * k_.width + x) * k_.out + c;
                    d[i * kPatch + j] = inside ? load_as<Vector>(from) : Vector{};
                }
            for (int i = 0; i < kPatch; ++i) transform_input(d + i * kPatch, 1, columns + i * kPatch);
            for (int j = 0; j < kPatch; ++j) {
                transform_input(columns + j, kPatch, points);
                for (int i = 0; i < kPatch; ++i)
                    store(before_.data() + ((i * kPatch + j) * kAtOnce + slot) * k_.out + c, points[i]);
            }
        }
    }

    // kTileRows rows of [tiles, out] times a panel [out, kPanel].
    void multiply(const float* from, const float* weights, float* to) const {
        constexpr int64_t kSize = kLanesOf<Inputs>;
        Inputs sums[kTileRows][kVectors] = {};
        for (int64_t o = 0; o < k_.out; ++o, weights += kPanel) {
            Inputs w[kVectors];
            for (int v = 0; v < kVectors; ++v) w[v] = load_as<Inputs>(weights + v * kSize);
            for (int row = 0; row < kTileRows; ++row) {
                const Inputs x = Inputs{} + from[row * k_.out + o];
                for (int v = 0; v < kVectors; ++v) sums[row][v] = multiply_add(x, w[v], sums[row][v]);
            }
        }
        for (int row = 0; row < kTileRows; ++row)
            for (int v = 0; v < kVectors; ++v) store(to + row * k_.in + v * kSize, sums[row][v]);
    }

    void write(int64_t tile, int64_t slot) {
        const Place at = place(tile);
        for (int64_t c = 0; c < k_.in; c += kLanesOf<Inputs>) {
            Inputs m[kPoints], rows[kTile * kPatch], pixels[kTile];
            for (int point = 0; point < kPoints; ++point)
                m[point] = load_as<Inputs>(after_.data() + (point * kAtOnce + slot) * k_.in + c);
            for (int i = 0; i < kPatch; ++i) transform_output(m + i * kPatch, 1, rows + i * kTile);
            for (int j = 0; j < kTile && at.x + j < k_.width; ++j) {
                transform_output(rows + j, kTile, pixels);
                for (int i = 0; i < kTile && at.y + i < k_.height; ++i) {
                    float* to = k_.found + ((at.image * k_.height + at.y + i) * k_.width + at.x + j) * k_.in + c;
                    store(to, pixels[i]);
                }
            }
        }
    }

    const InputGradient& k_;
    std::vector<float> before_, after_;
};

template <typename Inputs, int kVectors>
void run_tiles(const InputGradient& k, int32_t threads) {
    std::vector<ImageTiles<Inputs, kVectors>> tiles(std::max(1, threads), ImageTiles<Inputs, kVectors>(k));
    parallel_for((k.n_tiles() + kAtOnce - 1) / kAtOnce, threads, [&](int64_t block, int thread) {
        tiles[thread].run(block * kAtOnce);
    });
}

}  // namespace

extern "C" {

int32_t neuronas_input_gradient(const InputGradient* gradient, int32_t threads) {
    return answer([&] {
        const InputGradient k = *gradient;
        if (k.in % kFewestLanes || k.out % kFewestLanes) return kUnknown;
        with_lanes(k.in, [&](auto vector) {
            if (panel(k.in) == kLanesOf<decltype(vector)>)
                run_tiles<decltype(vector), 1>(k, threads);
            else
                run_tiles<decltype(vector), 2>(k, threads);
        });
        return 0;
    });
}

int32_t neuronas_panel(int64_t in) { return static_cast<int32_t>(panel(in)); }

}  // extern "C"
