#include "core/provenance.hpp"

#include "support/catch.hpp"

using namespace toptheta;

TEST_CASE("the command is kept so that a shell runs it again, without what has no say in the result",
          "[provenance]") {
  const auto provenance = make_provenance({"/usr/bin/tt-eval", "run", "--threads", "2", "--prompt", "it's",
                                           "--threads=4", "-k", "16", "-o", "x.h5", "-q", "--output=y"},
                                          7);
  CHECK(provenance.command == "tt-eval run --prompt 'it'\\''s' -k 16");
  CHECK(provenance.seed == 7);
  CHECK(provenance.version == version());
  CHECK_FALSE(commit().empty());
}
