#include "cluster/communicator.hpp"

#include <cstdlib>
#include <stdexcept>

#include "cluster/mpi_communicator.hpp"

namespace toptheta {

namespace {

class Alone final : public Communicator {
 public:
  [[nodiscard]] int rank() const override { return 0; }
  [[nodiscard]] int size() const override { return 1; }
  void send(int, std::string) override { fail(); }
  [[nodiscard]] std::string receive(int) override { fail(); }
  void check_peers() override {}
  Ending end(int status, bool) override { return {0, status}; }

 private:
  [[noreturn]] static void fail() { throw std::logic_error("a single process has no other to talk to"); }
};

}  // namespace

bool was_started_by_mpi() {
  // Set by Open MPI's mpirun; by Hydra, the launcher of MPICH and Intel MPI; by PMIx, with which srun starts
  // Open MPI.
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMIX_RANK"})
    if (std::getenv(name) != nullptr) return true;
  return false;
}

std::unique_ptr<Communicator> make_communicator() {
  if (built_with_mpi() && was_started_by_mpi()) return make_mpi_communicator();
  return std::make_unique<Alone>();
}

}  // namespace toptheta
