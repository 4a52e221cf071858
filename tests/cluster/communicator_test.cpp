// A process alone; several processes are tests/cli/mpi_test.cpp's.
#include "cluster/communicator.hpp"

#include "support/catch.hpp"

using namespace toptheta;

TEST_CASE("a program that mpirun did not start is alone, and does not touch MPI") {
  const auto cluster = make_communicator();
  CHECK(cluster->rank() == 0);
  CHECK(cluster->size() == 1);
  cluster->check_peers();
  CHECK_THROWS_AS(cluster->send(1, "x"), std::logic_error);
  CHECK_THROWS_AS(cluster->receive(0), std::logic_error);
  CHECK(cluster->end(3, true).status == 3);
  CHECK(cluster->end(0, true).status == 0);
}
