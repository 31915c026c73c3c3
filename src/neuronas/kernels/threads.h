// A pool of threads that live as long as the process, since starting threads takes longer than small tasks.

#pragma once

#include <atomic>
#include <cstdint>
#include <new>

// Call work(context, thread) in several threads, 0 to threads - 1; thread 0 is the caller. Returns when all are done.
// Fewer threads are used if the pool is busy or the system allows no more. `work` must not throw.
void run_threads(int threads, void (*work)(void* context, int thread), void* context);

// Call work(index, thread) for all indices below n; the assignment of indices to threads varies between calls.
// Throws std::bad_alloc if any call did, after all threads have stopped.
template <typename Work>
void parallel_for(int64_t n, int threads, const Work& work) {
    if (threads > n) threads = static_cast<int>(n);
    if (threads <= 1) {
        for (int64_t i = 0; i < n; ++i) work(i, 0);
        return;
    }
    struct Loop {
        const Work& work;
        const int64_t n;
        std::atomic<int64_t> next{0};
        std::atomic<bool> lacks_memory{false};
    } loop{work, n};
    run_threads(
        threads,
        [](void* context, int thread) {
            Loop& loop = *static_cast<Loop*>(context);
            try {
                for (int64_t i; (i = loop.next.fetch_add(1, std::memory_order_relaxed)) < loop.n;) loop.work(i, thread);
            } catch (const std::bad_alloc&) {
                loop.lacks_memory = true;
                loop.next = loop.n;
            }
        },
        &loop);
    if (loop.lacks_memory) throw std::bad_alloc();
}
