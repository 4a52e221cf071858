// The header, compiled by the machine's C compiler, looks up what ThresholdLookup does.
#include "theta/formats/c_header.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <sstream>

#include "support/sample_table.hpp"
#include "support/temp_dir.hpp"
#include "theta/lookup.hpp"

using namespace toptheta;
using namespace toptheta::testing;

namespace {

constexpr int kLongest = 60;

// Prints threshold, entry's SDC term and length of every layer, head and row length.
constexpr const char* kProgram = R"(
#include "theta.h"
#include <stdio.h>
int main(void) {
  for (int layer = 0; layer < TOPTHETA_NUM_LAYERS; ++layer)
    for (int head = 0; head < TOPTHETA_NUM_HEADS; ++head)
      for (int n = 1; n <= 60; ++n) {
        const int64_t entry = toptheta_entry(layer, head, n);
        printf("%a %a\n", (double)toptheta_threshold(layer, head, n), entry < 0 ? -2.0 : (double)toptheta_sdc[entry]);
      }
  return TOPTHETA_K;
}
)";

bool has_compiler(const std::string& compiler) {
  return std::system((compiler + " --version > /dev/null 2>&1").c_str()) == 0;
}

}  // namespace

TEST_CASE("the C header compiles as C and C++ and looks up the same thresholds") {
  const TempDir dir;
  ThresholdTable table = sample_table();
  table.meta.model = "ends a comment */ early";
  table.targets[0].cells[2][0].theta = 1e10;    // a float without point or exponent in its shortest form
  table.targets[0].cells[2][1].theta = 0.1;     // rounds up to float, and must not
  table.targets[0].cells[3][0].theta = -1e300;  // below every float
  write_c_header(table, 16, dir.path("theta.h"));
  write_text(dir.path("main.c"), kProgram);
  const ThresholdLookup lookup(table, 16, kLongest);
  const Target& target = table.target(16);
  for (const std::string compiler : {"cc -std=c99 -Werror -Wall -Wextra -pedantic", "c++ -x c++ -Werror"}) {
    if (!has_compiler(compiler.substr(0, compiler.find(' ')))) continue;
    const std::string build = fmt::format("cd '{}' && {} -o main main.c", dir.root().string(), compiler);
    REQUIRE(std::system(build.c_str()) == 0);
    const std::string run = fmt::format("cd '{}' && ./main > out.txt", dir.root().string());
    CHECK(std::system(run.c_str()) == 16 << 8);  // the exit status is TOPTHETA_K
    std::istringstream out(file_text(dir.path("out.txt")));
    for (int layer = 0; layer < 3; ++layer)
      for (int head = 0; head < 2; ++head)
        for (int n = 1; n <= kLongest; ++n) {
          INFO(layer << " " << head << " " << n);
          std::string threshold;
          std::string sdc;
          REQUIRE(out >> threshold >> sdc);
          const auto index = static_cast<std::size_t>(n);
          CHECK(std::strtof(threshold.c_str(), nullptr) == lookup.theta(layer, head)[index]);
          const bool dense = layer == 0 || n <= target.k_of(static_cast<std::size_t>(2 * layer + head));
          const float expected = lookup.sdc(layer, head)[index];
          if (!dense) CHECK(std::strtof(sdc.c_str(), nullptr) == (std::isnan(expected) ? -1.0F : expected));
        }
  }
}

TEST_CASE("the C header interpolates between length bins as look-up does, to the bit") {
  if (!has_compiler("cc")) return;
  const TempDir dir;
  ThresholdTable table = sample_table_with_rho();
  table.targets[0].cells[2][1].theta = 0.1;
  write_c_header(table, 16, dir.path("theta.h"));
  write_text(dir.path("main.c"), kProgram);
  const std::string run = fmt::format(
      "cd '{}' && cc -std=c99 -Werror -Wall -Wextra -pedantic -o main main.c -lm && ./main > out.txt",
      dir.root().string());
  CHECK(std::system(run.c_str()) == 16 << 8);
  const ThresholdLookup lookup(table, 16, kLongest);
  std::istringstream out(file_text(dir.path("out.txt")));
  for (int layer = 0; layer < 3; ++layer)
    for (int head = 0; head < 2; ++head)
      for (int n = 1; n <= kLongest; ++n) {
        INFO(layer << " " << head << " " << n);
        std::string threshold;
        std::string sdc;
        REQUIRE(out >> threshold >> sdc);
        CHECK(std::strtof(threshold.c_str(), nullptr) ==
              lookup.theta(layer, head)[static_cast<std::size_t>(n)]);
      }
}

TEST_CASE("a C header holds the laws for rho, in the formula that it states") {
  if (!has_compiler("cc")) return;
  const TempDir dir;
  const ThresholdTable table = sample_table_with_laws();
  write_c_header(table, 16, dir.path("theta.h"));
  write_text(dir.path("main.c"),
             "#include <stdio.h>\n#include \"theta.h\"\nint main(void) {\n"
             "  for (int c = 0; c < 6; ++c)\n"
             "    printf(\"%.17g\\n\", exp(toptheta_rho_law[3 * c] + toptheta_rho_law[3 * c + 1] * log(50)\n"
             "                              + toptheta_rho_law[3 * c + 2] * log(7)));\n"
             "  return TOPTHETA_HAS_RHO_LAW;\n}\n");
  const std::string run = fmt::format(
      "cd '{}' && cc -std=c99 -Wall -Wextra -pedantic -Wno-unused-function -o main main.c -lm && ./main > "
      "out.txt",
      dir.root().string());
  REQUIRE(std::system(run.c_str()) == 1 << 8);
  std::istringstream out(file_text(dir.path("out.txt")));
  for (std::size_t cell = 0; cell < 6; ++cell) {
    std::string text;
    REQUIRE(out >> text);
    const RhoLaw law = table.targets[0].rho_laws[cell];
    if (law.any())
      CHECK(std::stod(text) == Approx(std::exp(law.at_length(50) + law.of_kept * std::log(7))));
    else
      CHECK(text.find("nan") != std::string::npos);
  }
  write_c_header(table, 4, dir.path("other.h"));
  CHECK(file_text(dir.path("other.h")).find("RHO_LAW") == std::string::npos);
}

TEST_CASE("a C header holds one target") {
  const TempDir dir;
  CHECK_THROWS_AS(write_c_header(sample_table(), 0, dir.path("theta.h")), UsageError);
}

TEST_CASE("a C header knows the k of every head") {
  if (!has_compiler("cc")) return;
  const TempDir dir;
  const ThresholdTable table = sample_table_by_head();
  write_c_header(table, 0, dir.path("theta.h"));
  write_text(dir.path("main.c"),
             "#include <stdio.h>\n#include \"theta.h\"\nint main(void) {\n"
             "  for (int c = 0; c < 4; ++c)\n    for (int n = 1; n < 12; ++n)\n"
             "      printf(\"%.9g\\n\", (double)toptheta_threshold(c / 2, c % 2, n));\n  return 0;\n}\n");
  const std::string run = fmt::format(
      "cd '{}' && cc -std=c99 -Wall -Wextra -o main main.c && ./main > out.txt", dir.root().string());
  REQUIRE(std::system(run.c_str()) == 0);
  std::istringstream out(file_text(dir.path("out.txt")));
  const ThresholdLookup lookup(table, 0, 12);
  for (int cell = 0; cell < 4; ++cell)
    for (std::size_t n = 1; n < 12; ++n) {
      std::string threshold;
      REQUIRE(out >> threshold);
      CHECK(std::strtof(threshold.c_str(), nullptr) == lookup.theta(cell / 2, cell % 2)[n]);
    }
}
