#include "cluster/mpi_communicator.hpp"

#include <mpi.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <limits>
#include <thread>
#include <utility>
#include <vector>

namespace toptheta {

namespace {

enum Tag : int {
  kSize = 1,
  kBytes,
  kAlarm,  // the sender failed
};

// MPI counts elements with an int, so longer messages travel in parts of this size.
constexpr std::size_t kMostBytes = std::size_t{1} << 30;

void pause() {
  std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

class MpiCommunicator final : public Communicator {
 public:
  MpiCommunicator() {
    int provided = 0;
    MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
    MPI_Comm_size(MPI_COMM_WORLD, &size_);
  }
  // After a failure, messages may be under way that nobody will receive, and MPI_Finalize would wait for them
  // forever.
  ~MpiCommunicator() override {
    if (!failed_) MPI_Finalize();
  }

  [[nodiscard]] int rank() const override { return rank_; }
  [[nodiscard]] int size() const override { return size_; }

  void send(int to, std::string bytes) override {
    outgoing_ = std::move(bytes);
    outgoing_size_ = outgoing_.size();
    requests_.reserve(2 + outgoing_.size() / kMostBytes);
    MPI_Isend(&outgoing_size_, 1, MPI_UINT64_T, to, kSize, MPI_COMM_WORLD, &requests_.emplace_back());
    for (std::size_t done = 0; done < outgoing_.size(); done += kMostBytes) {
      const std::size_t count = std::min(kMostBytes, outgoing_.size() - done);
      MPI_Isend(outgoing_.data() + done, static_cast<int>(count), MPI_BYTE, to, kBytes, MPI_COMM_WORLD,
                &requests_.emplace_back());
    }
    for (int done = 0; done == 0;) {
      MPI_Testall(static_cast<int>(requests_.size()), requests_.data(), &done, MPI_STATUSES_IGNORE);
      if (done != 0) break;
      check_peers();
      pause();
    }
    requests_.clear();
    outgoing_.clear();
  }

  // Once a message has begun to arrive, the rest of it arrives too: even a sender that has failed stays until
  // end().
  [[nodiscard]] std::string receive(int from) override {
    await(from, kSize);
    std::uint64_t size = 0;
    MPI_Recv(&size, 1, MPI_UINT64_T, from, kSize, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    std::string bytes(size, '\0');
    for (std::size_t done = 0; done < bytes.size(); done += kMostBytes) {
      const std::size_t count = std::min(kMostBytes, bytes.size() - done);
      await(from, kBytes);
      MPI_Recv(bytes.data() + done, static_cast<int>(count), MPI_BYTE, from, kBytes, MPI_COMM_WORLD,
               MPI_STATUS_IGNORE);
    }
    return bytes;
  }

  void check_peers() override {
    if (is_there(MPI_ANY_SOURCE, kAlarm)) throw PeerFailed();
  }

  Ending end(int status, bool own) override {
    // mpirun terminates all processes as soon as the first one has failed. They are about to end by
    // themselves, each with its own status and message, so the signal is ignored.
    std::signal(SIGTERM, SIG_IGN);
    if (status != 0 && own) raise_alarm();
    // Rank and status in one number, so that the minimum finds the lowest rank with a failure of its own.
    constexpr std::int64_t kStatuses = 256;
    const std::int64_t none = std::numeric_limits<std::int64_t>::max();
    std::int64_t mine = status != 0 && own ? rank_ * kStatuses + status : none;
    std::int64_t lowest = none;
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_Iallreduce(&mine, &lowest, 1, MPI_INT64_T, MPI_MIN, MPI_COMM_WORLD, &request);
    wait(request);
    // NOLINTNEXTLINE(clang-analyzer-optin.mpi.MPI-Checker): wait() ends the request, by MPI_Test
    receive_alarms();
    if (lowest == none) return {0, 0};
    failed_ = true;
    return {static_cast<int>(lowest / kStatuses), static_cast<int>(lowest % kStatuses)};
  }

 private:
  static bool is_there(int from, Tag tag) {
    int found = 0;
    MPI_Iprobe(from, tag, MPI_COMM_WORLD, &found, MPI_STATUS_IGNORE);
    return found != 0;
  }

  void await(int from, Tag tag) {
    while (!is_there(from, tag)) {
      check_peers();
      pause();
    }
  }

  static void wait(MPI_Request& request) {
    for (int done = 0; done == 0;) {
      MPI_Test(&request, &done, MPI_STATUS_IGNORE);
      if (done == 0) pause();
    }
  }

  // Empty messages leave at once, whether or not anybody waits for them.
  void raise_alarm() const {
    std::vector<MPI_Request> requests;
    requests.reserve(static_cast<std::size_t>(size_));
    for (int other = 0; other < size_; ++other) {
      if (other == rank_) continue;
      requests.emplace_back();
      MPI_Isend(nullptr, 0, MPI_BYTE, other, kAlarm, MPI_COMM_WORLD, &requests.back());
    }
    for (MPI_Request& request : requests)
      wait(request);
  }

  static void receive_alarms() {
    while (is_there(MPI_ANY_SOURCE, kAlarm))
      MPI_Recv(nullptr, 0, MPI_BYTE, MPI_ANY_SOURCE, kAlarm, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  }

  int rank_ = 0;
  int size_ = 1;
  bool failed_ = false;
  // The buffers of send(). They are members because they must outlive it where another process fails
  // meanwhile.
  std::string outgoing_;
  std::uint64_t outgoing_size_ = 0;
  std::vector<MPI_Request> requests_;
};

}  // namespace

bool built_with_mpi() {
  return true;
}

std::unique_ptr<Communicator> make_mpi_communicator() {
  return std::make_unique<MpiCommunicator>();
}

}  // namespace toptheta
