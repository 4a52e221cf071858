#include "io/regular_file.hpp"

#include <sys/stat.h>

#include "core/error.hpp"
#include "io/atomic_file.hpp"
#include "io/json_lines.hpp"
#include "io/mapped_file.hpp"
#include "io/text_file.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"

namespace toptheta {
namespace {

// What each way of reading a file says about it.
std::vector<std::string> said_about(const std::filesystem::path& path) {
  std::vector<std::string> said;
  const auto try_to = [&](const auto& read) {
    try {
      read();
      said.emplace_back("nothing");
    } catch (const InputError& error) {
      said.push_back(error.problem().what);
    }
  };
  try_to([&] { const RegularFile file(path); });
  try_to([&] { read_file(path); });
  try_to([&] { const MappedFile file(path); });
  try_to([&] { for_each_json_line(path, [](const JsonLine&) {}); });
  return said;
}

}  // namespace

TEST_CASE("pipes, devices and directories are refused at once") {
  const testing::TempDir dir;
  REQUIRE(::mkfifo(dir.path("pipe").c_str(), 0600) == 0);
  const std::string refused = "cannot read: not a regular file";
  CHECK(said_about(dir.path("pipe")) == std::vector<std::string>(4, refused));
  CHECK(said_about("/dev/zero") == std::vector<std::string>(4, refused));
  CHECK(said_about(dir.root()) == std::vector<std::string>(4, "cannot read: Is a directory"));
  CHECK(said_about(dir.path("none")) ==
        std::vector<std::string>(4, "cannot read: No such file or directory"));
}

TEST_CASE("a pointer of Git LFS is not taken for the file") {
  const testing::TempDir dir;
  write_file_atomically(dir.path("lfs"),
                        "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 134515968\n");
  const auto said = said_about(dir.path("lfs"));
  for (std::size_t i = 1; i < said.size(); ++i)
    CHECK(said[i].find("Git LFS pointer") != std::string::npos);
  write_file_atomically(dir.path("empty"), "");
  CHECK(said_about(dir.path("empty")) == std::vector<std::string>(4, "nothing"));
}

}  // namespace toptheta
