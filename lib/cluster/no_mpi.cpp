// Compiled instead of mpi_communicator.cpp where MPI was not found.
#include <stdexcept>

#include "cluster/mpi_communicator.hpp"

namespace toptheta {

bool built_with_mpi() {
  return false;
}

std::unique_ptr<Communicator> make_mpi_communicator() {
  throw std::logic_error("built without MPI");
}

}  // namespace toptheta
