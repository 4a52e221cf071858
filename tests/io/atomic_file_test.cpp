#include "io/atomic_file.hpp"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <vector>

#include "core/error.hpp"
#include "io/text_file.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"

namespace toptheta {
namespace {

std::size_t files_in(const std::filesystem::path& directory) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(directory), {}));
}

Problem problem_of(const std::filesystem::path& target) {
  try {
    write_file_atomically(target, "text");
  } catch (const UnfinishedError& error) {
    return error.problem();
  }
  FAIL("no UnfinishedError for " << target);
  return {};
}

}  // namespace

TEST_CASE("a committed file replaces the old one and leaves nothing else") {
  const testing::TempDir dir;
  const std::filesystem::path path = dir.path("out.txt");
  write_file_atomically(path, "old");
  {
    AtomicFile file(path);
    file.write("new ");
    CHECK(read_file(path) == "old");
    CHECK(file.temporary().parent_path() == path.parent_path());
    file.write("text");
    file.commit();
  }
  CHECK(read_file(path) == "new text");
  CHECK(files_in(dir.root()) == 1);
}

TEST_CASE("what is written through the temporary name is committed too") {
  const testing::TempDir dir;
  AtomicFile file(dir.path("out.bin"));
  std::ofstream(file.temporary()) << "by name";
  file.commit();
  CHECK(read_file(dir.path("out.bin")) == "by name");
}

TEST_CASE("without commit the old file stays and the temporary one goes") {
  const testing::TempDir dir;
  const std::filesystem::path path = dir.path("out.txt");
  write_file_atomically(path, "old");
  {
    AtomicFile file(path);
    file.write("half");
    CHECK(files_in(dir.root()) == 2);
  }
  CHECK(read_file(path) == "old");
  CHECK(files_in(dir.root()) == 1);
}

TEST_CASE("permissions of the replaced file are kept") {
  const testing::TempDir dir;
  const std::filesystem::path path = dir.path("out.txt");
  write_file_atomically(path, "old");
  REQUIRE(::chmod(path.c_str(), 0640) == 0);
  write_file_atomically(path, "new");
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777U) == 0640U);
}

TEST_CASE("a symbolic link keeps pointing to the file, which is replaced") {
  const testing::TempDir dir;
  std::filesystem::create_directory(dir.path("real"));
  std::filesystem::create_symlink("real/file", dir.path("link"));
  write_file_atomically(dir.path("link"), "first");
  write_file_atomically(dir.path("link"), "second");
  CHECK(std::filesystem::is_symlink(dir.path("link")));
  CHECK(read_file(dir.path("real") / "file") == "second");
}

TEST_CASE("targets that cannot be written say why") {
  const testing::TempDir dir;
  const Problem missing = problem_of(dir.path("nowhere") / "out.txt");
  CHECK(missing.where == (dir.path("nowhere") / "out.txt").string());
  CHECK(missing.what.find("there is no directory") != std::string::npos);

  CHECK(problem_of(dir.root()).what.find("is a directory") != std::string::npos);
  CHECK(problem_of("/dev/null").what.find("not a regular file") != std::string::npos);
  CHECK(std::filesystem::is_character_file("/dev/null"));

  write_file_atomically(dir.path("file"), "");
  CHECK(problem_of(dir.path("file") / "out.txt").what.find("Not a directory") != std::string::npos);
  CHECK(problem_of(dir.path(std::string(300, 'x'))).what.find("too long") != std::string::npos);
  CHECK_THROWS_AS(write_file_atomically("", "text"), UnfinishedError);
  CHECK(files_in(dir.root()) == 1);
}

TEST_CASE("a directory that may not be written says so") {
  if (::geteuid() == 0) return;  // nothing is forbidden to root
  const testing::TempDir dir;
  std::filesystem::create_directory(dir.path("locked"));
  std::filesystem::permissions(dir.path("locked"),
                               std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
  CHECK(problem_of(dir.path("locked") / "out.txt").what.find("Permission denied") != std::string::npos);
}

TEST_CASE("a failing write is reported with the system's reason") {
  const testing::TempDir dir;
  AtomicFile file(dir.path("out.txt"));
  // The descriptor is our own; a limit on file sizes makes the write fail as a full disk would.
  const pid_t child = ::fork();
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    const struct rlimit limit = {16, 16};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) ::_exit(9);
    try {
      file.write(std::string(100, 'x'));
    } catch (const UnfinishedError& error) {
      ::_exit(error.problem().what.find("File too large") != std::string::npos ? 0 : 2);
    }
    ::_exit(1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
}

TEST_CASE("a process that ends by a signal removes its temporary files") {
  const testing::TempDir dir;
  int ready[2];
  REQUIRE(::pipe(ready) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    std::signal(SIGTERM, [](int) {
      remove_temporary_files();
      ::_exit(7);
    });
    AtomicFile committed(dir.path("done"));
    committed.commit();
    AtomicFile first(dir.path("one"));
    AtomicFile second(dir.path("two"));
    first.write("half");
    if (::write(ready[1], "x", 1) != 1) ::_exit(8);
    for (;;)
      ::pause();
  }
  char byte = 0;
  REQUIRE(::read(ready[0], &byte, 1) == 1);
  CHECK(files_in(dir.root()) == 3);
  REQUIRE(::kill(child, SIGTERM) == 0);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WEXITSTATUS(status) == 7);
  ::close(ready[0]);
  ::close(ready[1]);
  CHECK(files_in(dir.root()) == 1);
  CHECK(std::filesystem::exists(dir.path("done")));
}

}  // namespace toptheta
