// Mean pooling in training, forward and backward, on values [n, H, W, channels] float32; channels are a multiple of
// kFewestLanes. Padding counts as 0, as in PyTorch, and the order of additions is PyTorch's.

#include "lanes.h"

namespace {

struct Pooling {
    const float* from;  // values [n, height, width, channels]; backward: gradient of the means
    float* to;          // means [n, out_height, out_width, channels]; backward: gradient of the values
    int64_t n, height, width, out_height, out_width, channels;
    int64_t rows, columns, row_stride, column_stride, padding;  // window
};

struct Span {
    int64_t first, last;
};

// The pixels in the window of a mean, and the means whose windows contain a pixel.
Span pixels_of(int64_t mean, int64_t window, int64_t stride, int64_t padding, int64_t size) {
    const int64_t first = mean * stride - padding;
    return {std::max<int64_t>(0, first), std::min(first + window, size)};
}
Span means_of(int64_t pixel, int64_t window, int64_t stride, int64_t padding, int64_t n) {
    const int64_t behind = pixel + padding - window;
    return {behind < 0 ? 0 : behind / stride + 1, std::min((pixel + padding) / stride + 1, n)};
}

// The sum over a window of an image [., width, channels], divided by the area.
template <typename Vector>
inline void average(const float* image, int64_t width, int64_t channels, Span rows, Span columns, float area, float* to) {
    for (int64_t c = 0; c < channels; c += kLanesOf<Vector>) {
        Vector sum = {};
        for (int64_t y = rows.first; y < rows.last; ++y)
            for (int64_t x = columns.first; x < columns.last; ++x)
                sum += load_as<Vector>(image + (y * width + x) * channels + c);
        store(to + c, sum / (Vector{} + area));
    }
}
// The same for 3x3 pixels.
template <typename Vector>
inline void average_nine(const float* corner, int64_t width, int64_t channels, float area, float* to) {
    for (int64_t c = 0; c < channels; c += kLanesOf<Vector>) {
        Vector sum = {};
        for (int64_t y = 0; y < 3; ++y)
            for (int64_t x = 0; x < 3; ++x) sum += load_as<Vector>(corner + (y * width + x) * channels + c);
        store(to + c, sum / (Vector{} + area));
    }
}

// All images; rows_of and columns_of return the window of a row and of a column of the result.
template <typename Vector, typename Rows, typename Columns>
void average_all(const Pooling& k, int64_t height, int64_t width, int64_t out_height, int64_t out_width, int32_t threads,
                 const Rows& rows_of, const Columns& columns_of) {
    const float area = static_cast<float>(k.rows * k.columns);
    parallel_for(k.n, threads, [&](int64_t image, int) {
        const float* from = k.from + image * height * width * k.channels;
        float* to = k.to + image * out_height * out_width * k.channels;
        for (int64_t y = 0; y < out_height; ++y) {
            const Span rows = rows_of(y);
            for (int64_t x = 0; x < out_width; ++x, to += k.channels) {
                const Span columns = columns_of(x);
                if (rows.last - rows.first == 3 && columns.last - columns.first == 3)
                    average_nine<Vector>(from + (rows.first * width + columns.first) * k.channels, width, k.channels, area, to);
                else
                    average<Vector>(from, width, k.channels, rows, columns, area, to);
            }
        }
    });
}

}  // namespace

extern "C" {

int32_t neuronas_mean_pool(const Pooling* pooling, int32_t threads) {
    return answer([&] {
        const Pooling k = *pooling;
        if (k.channels % kFewestLanes) return kUnknown;
        with_lanes(k.channels, [&](auto vector) {
            average_all<decltype(vector)>(
                k, k.height, k.width, k.out_height, k.out_width, threads,
                [&](int64_t y) { return pixels_of(y, k.rows, k.row_stride, k.padding, k.height); },
                [&](int64_t x) { return pixels_of(x, k.columns, k.column_stride, k.padding, k.width); });
        });
        return 0;
    });
}

// The gradient of the values: each pixel sums the gradients of the means that contain it.
int32_t neuronas_mean_pool_gradient(const Pooling* pooling, int32_t threads) {
    return answer([&] {
        const Pooling k = *pooling;
        if (k.channels % kFewestLanes) return kUnknown;
        with_lanes(k.channels, [&](auto vector) {
            average_all<decltype(vector)>(
                k, k.out_height, k.out_width, k.height, k.width, threads,
                [&](int64_t y) { return means_of(y, k.rows, k.row_stride, k.padding, k.out_height); },
                [&](int64_t x) { return means_of(x, k.columns, k.column_stride, k.padding, k.out_width); });
        });
        return 0;
    });
}

}  // extern "C"
