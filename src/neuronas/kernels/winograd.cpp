// The gradient of the inputs of a 3x3 convolution with stride 1 and same padding, float32, by Winograd's minimal
// filtering F(4x4, 3x3) (Lavin and Gray, arXiv 1509.09308): 36 products of matrices replace 144 multiplications a tile.

#include "lanes.h"

namespace {

struct InputGradient {
    const float* gradient;  // of the values, [n, H, W, out]
    const float* weights;   // transformed, [36, in / kPanel, out, kPanel]
    float* found;           // [n, H, W, in]
    int64_t n, height, width, in, out;

    int64_t tiles_across() const { return (width + 3) / 4; }
    int64_t tiles_down() const { return (height + 3) / 4; }
    int64_t n_tiles() const { return n * tiles_down() * tiles_across(); }
};

constexpr int kTile = 4, kPatch = 6, kPoints = kPatch * kPatch;
constexpr int64_t kPanel = 2 * kLanes;
constexpr int kTileRows = 6;  // of a block of products in registers, as wide as a panel
constexpr int64_t kBytes = 3 << 17;  // of transformed tiles, in the second-level cache if they are not too few
constexpr int64_t kFewest = 8 * kTileRows, kMost = 16 * kTileRows;

inline Lanes multiply_add(Lanes a, Lanes b, Lanes c) {
#if defined(NEURONAS_AVX512)
    return _mm512_fmadd_ps(a, b, c);
#elif defined(NEURONAS_AVX2)
    return _mm256_fmadd_ps(a, b, c);
#else
    return a * b + c;
#endif
}

// Transforms of six values to six, and of six to four.
inline void transform_input(const Lanes* d, int64_t step, Lanes* to) {
    const Lanes two = all(2), four = all(4), five = all(5);
    const Lanes d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step], d5 = d[5 * step];
    const Lanes a = d4 - four * d2, b = d3 - four * d1, c = d4 - d2, e = two * (d3 - d1);
    to[0] = four * d0 - five * d2 + d4;
    to[1] = a + b;
    to[2] = a - b;
    to[3] = c + e;
    to[4] = c - e;
    to[5] = four * d1 - five * d3 + d5;
}

inline void transform_output(const Lanes* m, int64_t step, Lanes* to) {
    const Lanes plus = m[step] + m[2 * step], minus = m[step] - m[2 * step];
    const Lanes far_plus = m[3 * step] + m[4 * step], far_minus = m[3 * step] - m[4 * step];
    to[0] = m[0] + plus + far_plus;
    to[1] = minus + all(2) * far_minus;
    to[2] = plus + all(4) * far_plus;
    to[3] = minus + all(8) * far_minus + m[5 * step];
}

class ImageTiles {
   public:
    explicit ImageTiles(const InputGradient& k) : k_(k) {
        const int64_t each = kPoints * static_cast<int64_t>(sizeof(float)) * (k.in + k.out);
        size_ = std::max(kFewest, std::min(kMost, kBytes / each / kTileRows * kTileRows));
        before_.resize(kPoints * size_ * k.out);
        after_.resize(kPoints * size_ * k.in);
    }

    int64_t size() const { return size_; }

    void run(int64_t first) {
        const int64_t n = std::min(size_, k_.n_tiles() - first);
        for (int64_t tile = 0; tile < n; ++tile) read(first + tile, tile);
        const int64_t n_rows = (n + kTileRows - 1) / kTileRows * kTileRows;  // those behind the last tile hold anything
        for (int point = 0; point < kPoints; ++point) {
            const float* weights = k_.weights + point * k_.out * k_.in;
            for (int64_t row = 0; row < n_rows; row += kTileRows) {
                const float* from = before_.data() + (point * size_ + row) * k_.out;
                float* to = after_.data() + (point * size_ + row) * k_.in;
                for (int64_t c = 0; c < k_.in; c += kPanel) multiply(from, weights + c * k_.out, to + c);
            }
        }
        for (int64_t tile = 0; tile < n; ++tile) write(first + tile, tile);
    }

   private:
    struct Place {
        int64_t image, y, x;
    };
    Place place(int64_t tile) const {
        const int64_t across = k_.tiles_across(), down = k_.tiles_down();
        return {tile / (across * down), tile / across % down * kTile, tile % across * kTile};
    }

    void read(int64_t tile, int64_t slot) {
        const Place at = place(tile);
        for (int64_t c = 0; c < k_.out; c += kLanes) {
            Lanes d[kPoints], columns[kPoints], points[kPatch];
            for (int i = 0; i < kPatch; ++i)
                for (int j = 0; j < kPatch; ++j) {
                    const int64_t y = at.y + i - 1, x = at.x + j - 1;
                    const bool inside = y >= 0 && y < k_.height && x >= 0 && x < k_.width;
                    const float* from = k_.gradient + ((at.image * k_.height + y) * k_.width + x) * k_.out + c;
                    d[i * kPatch + j] = inside ? load(from) : Lanes{};
                }
            for (int i = 0; i < kPatch; ++i) transform_input(d + i * kPatch, 1, columns + i * kPatch);
            for (int j = 0; j < kPatch; ++j) {
                transform_input(columns + j, kPatch, points);
                for (int i = 0; i < kPatch; ++i)
                    store(before_.data() + ((i * kPatch + j) * size_ + slot) * k_.out + c, points[i]);
            }
        }
    }

    // kTileRows rows of [tiles, out] times a panel [out, kPanel].
    void multiply(const float* from, const float* weights, float* to) const {
        constexpr int kVectors = kPanel / kLanes;
        Lanes sums[kTileRows][kVectors] = {};
        for (int64_t o = 0; o < k_.out; ++o, weights += kPanel) {
            Lanes w[kVectors];
            for (int v = 0; v < kVectors; ++v) w[v] = load(weights + v * kLanes);
            for (int row = 0; row < kTileRows; ++row) {
                const Lanes x = all(from[row * k_.out + o]);
                for (int v = 0; v < kVectors; ++v) sums[row][v] = multiply_add(x, w[v], sums[row][v]);
            }
        }
        for (int row = 0; row < kTileRows; ++row)
            for (int v = 0; v < kVectors; ++v) store(to + row * k_.in + v * kLanes, sums[row][v]);
    }

    void write(int64_t tile, int64_t slot) {
        const Place at = place(tile);
        for (int64_t c = 0; c < k_.in; c += kLanes) {
            Lanes m[kPoints], rows[kTile * kPatch], pixels[kTile];
            for (int point = 0; point < kPoints; ++point)
                m[point] = load(after_.data() + (point * size_ + slot) * k_.in + c);
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
    int64_t size_ = 0;
    std::vector<float> before_, after_;
};

}  // namespace

extern "C" {

int32_t neuronas_input_gradient(const InputGradient* gradient, int32_t threads) {
    return answer([&] {
        const InputGradient k = *gradient;
        if (k.in % kPanel || k.out % kLanes) return kUnknown;
        std::vector<ImageTiles> tiles(std::max(1, threads), ImageTiles(k));
        const int64_t size = tiles[0].size();
        parallel_for((k.n_tiles() + size - 1) / size, threads, [&](int64_t block, int thread) {
            tiles[thread].run(block * size);
        });
        return 0;
    });
}

}  // extern "C"
