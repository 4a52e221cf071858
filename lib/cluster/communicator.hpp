// The processes that work on one problem together: one alone, or those that mpirun or srun started.
//
// All calls of a process come from one thread. Waiting costs no processor time. Every wait also ends when
// another process reports a failure, so that no process waits for one that is gone.
#pragma once
#include <exception>
#include <memory>
#include <string>

namespace toptheta {

// Another process failed; it has the message.
struct PeerFailed : std::exception {
  [[nodiscard]] const char* what() const noexcept override { return "another process failed"; }
};

// How a process ended: its exit status, 0 for success.
struct Ending {
  int rank;  // of the process that speaks for all; 0 where none failed
  int status;
};

class Communicator {
 public:
  Communicator() = default;
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;
  virtual ~Communicator() = default;

  [[nodiscard]] virtual int rank() const = 0;  // 0 ... size() - 1
  [[nodiscard]] virtual int size() const = 0;

  // Bytes to one process, which must receive them: waits until it does. Throws PeerFailed.
  virtual void send(int to, std::string bytes) = 0;
  [[nodiscard]] virtual std::string receive(int from) = 0;

  // Between pieces of work: throws PeerFailed where another process has failed.
  virtual void check_peers() = 0;

  // The end of every process, called once by each; a failure (status not 0) is reported to all others at
  // once. `own`: whether the failure is this process's own, not PeerFailed. Returns, in all processes alike,
  // the failure of the lowest rank.
  virtual Ending end(int status, bool own) = 0;
};

// MPI where this process was started by mpirun, mpiexec or srun and the program was built with MPI; else a
// process alone. MPI is initialised here and nowhere else, and left in the destructor.
std::unique_ptr<Communicator> make_communicator();

// Whether this program can work with MPI.
bool built_with_mpi();
// Whether mpirun, mpiexec or srun started this process, by what they leave in the environment.
bool was_started_by_mpi();

}  // namespace toptheta
