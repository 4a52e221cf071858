// The processes that work on one problem together: a single one, or those that mpirun or srun started.
//
// All calls within a process come from one thread. A wait does not keep a processor busy. Every wait also
// ends when another process reports a failure, so that no process waits for one that is gone.
#pragma once
#include <exception>
#include <memory>
#include <string>

namespace toptheta {

// Thrown where another process has failed; that process reports why.
struct PeerFailed : std::exception {
  [[nodiscard]] const char* what() const noexcept override { return "another process failed"; }
};

// How a run ended: the exit status, 0 for success.
struct Ending {
  int rank;  // of the failed process whose status is reported; 0 where none failed
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

  // Sends bytes to one process, which must receive them, and waits until it has. Throws PeerFailed.
  virtual void send(int to, std::string bytes) = 0;
  // The bytes that process `from` sends next to this one. Waits for them. Throws PeerFailed.
  [[nodiscard]] virtual std::string receive(int from) = 0;

  // To be called between pieces of work. Throws PeerFailed where another process has failed.
  virtual void check_peers() = 0;

  // Called once by each process, as its last call. A failure (status not 0) is reported to all others at
  // once. `own`: whether the failure arose in this process rather than from PeerFailed. Returns, in all
  // processes alike, the failure with the lowest rank.
  virtual Ending end(int status, bool own) = 0;
};

// A communicator over MPI where mpirun, mpiexec or srun started this process and the program was built with
// MPI; otherwise one for a single process. This is the only place that initialises MPI; the destructor
// finalises it.
std::unique_ptr<Communicator> make_communicator();

// Whether this program was built with MPI.
bool built_with_mpi();
// Whether mpirun, mpiexec or srun started this process, according to its environment variables.
bool was_started_by_mpi();

}  // namespace toptheta
