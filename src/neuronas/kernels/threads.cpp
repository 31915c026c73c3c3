// The thread pool of threads.h.

#include "threads.h"

#include <pthread.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>

namespace {

class Pool {
   public:
    // False: another thread of the program is using the pool.
    bool run(int threads, void (*work)(void*, int), void* context) {
        if (!in_use_.try_lock()) return false;
        {
            std::lock_guard<std::mutex> lock(state_);
            try {
                for (; n_threads_ < threads - 1; ++n_threads_)
                    std::thread(&Pool::serve, this, n_threads_, round_).detach();
            } catch (const std::system_error&) {
                // The system allows no more threads, as in a container with a limit: fewer threads do the same work.
            }
            work_ = work, context_ = context, wanted_ = busy_ = std::min(threads - 1, n_threads_);
            ++round_;
        }
        begin_.notify_all();
        work(context, 0);
        {
            std::unique_lock<std::mutex> lock(state_);
            end_.wait(lock, [&] { return busy_ == 0; });
        }
        in_use_.unlock();
        return true;
    }

   private:
    void serve(int number, uint64_t seen) {
        std::unique_lock<std::mutex> lock(state_);
        for (;;) {
            begin_.wait(lock, [&] { return round_ != seen; });
            seen = round_;
            if (number >= wanted_) continue;
            const auto work = work_;
            const auto context = context_;
            lock.unlock();
            work(context, number + 1);
            lock.lock();
            if (--busy_ == 0) end_.notify_one();
        }
    }

    std::mutex in_use_, state_;
    std::condition_variable begin_, end_;
    void (*work_)(void*, int) = nullptr;
    void* context_ = nullptr;
    int n_threads_ = 0, wanted_ = 0, busy_ = 0;
    uint64_t round_ = 0;
};

// Never deleted, since its threads wait until the process ends.
std::atomic<Pool*> pool{nullptr};

}  // namespace

void run_threads(int threads, void (*work)(void*, int), void* context) {
    static const bool registered = [] {  // a child process does not have its parent's threads, so it gets its own pool
        pool = new Pool;
        pthread_atfork(nullptr, nullptr, [] { pool = new Pool; });
        return true;
    }();
    (void)registered;
    // Each index is processed by the first free thread, so the caller alone can do all of the work.
    if (!pool.load()->run(threads, work, context)) work(context, 0);
}
