// Internal to lib/cluster: the communicator over MPI.
#pragma once
#include <memory>

#include "cluster/communicator.hpp"

namespace toptheta {

// Requires built_with_mpi().
std::unique_ptr<Communicator> make_mpi_communicator();

}  // namespace toptheta
