// Calibration in shares: the merged table is the whole one's, and what does not belong together is refused.
#include <algorithm>
#include <optional>

#include "calibrate/model_source.hpp"
#include "calibrate/run.hpp"
#include "core/sha256.hpp"
#include "io/sealed_file.hpp"
#include "support/catch.hpp"
#include "support/embedded_model.hpp"
#include "support/sample_table.hpp"
#include "support/temp_dir.hpp"
#include "theta/formats/table_file.hpp"

using namespace toptheta;
using namespace toptheta::testing;

namespace {

// Seven windows of different lengths of the embedded model.
struct Fixture {
  Fixture() {
    static const std::vector<TextWindow> all = [] {
      std::vector<TextWindow> cut;
      for (const char* file : {"data/calib-a/000.txt", "data/calib-a/001.txt"})
        for (TextWindow& window : text_windows(embedded(), {file}, 0)) {
          for (const std::size_t tokens : {30U, 61U, 18U})
            cut.push_back(
                {window.source,
                 {window.tokens.begin(), window.tokens.begin() + static_cast<std::ptrdiff_t>(tokens)}});
        }
      return cut;
    }();
    model = &embedded();
    windows = &all;
    options.k = {4, 12};
    options.layer_k = {{0, 7}};
    options.add_sigma = 0.3;
  }

  [[nodiscard]] CalibrationJob job(Shard shard = {}, const std::string& part = "") const {
    CalibrationJob job;
    job.shard = shard;
    if (!part.empty()) job.part = dir.path(part);
    job.provenance = {"0.1.0", "abc", "tt-calibrate fit", options.seed, {}};
    job.inputs = {{"a.txt", "print-a", "digest-a"}, {"b.txt", "print-b", "digest-b"}};
    return job;
  }
  CalibrationOutcome run(CalibrationJob with) const {
    ModelSource source(*model, *windows, options.placement, options.layer_k, 0);
    return run_calibration(source, options, std::move(with));
  }
  // Parts of `count` shares; their paths.
  std::vector<std::filesystem::path> parts(std::int64_t count, const std::string& name = "part") const {
    std::vector<std::filesystem::path> paths;
    for (std::int64_t i = 0; i < count; ++i) {
      const std::string file = name + std::to_string(i);
      CHECK_FALSE(run(job({i, count}, file)).calibration);
      paths.push_back(dir.path(file));
    }
    return paths;
  }
  [[nodiscard]] std::string bytes(ThresholdTable table) const {
    table.meta.provenance = {};
    save_table(table, dir.path("bytes.h5"));
    return file_text(dir.path("bytes.h5"));
  }
  std::string merge_error(const std::vector<std::filesystem::path>& paths,
                          const std::filesystem::path& sdc_table = {}) const {
    const Problem problem = problem_of<Error>([&] { (void)merge_calibration_parts(paths, sdc_table); });
    return problem.what;
  }

  LanguageModel* model = nullptr;
  const std::vector<TextWindow>* windows = nullptr;
  CalibrationOptions options;
  TempDir dir;
};

}  // namespace

TEST_CASE("shares merge to the table of a single run, to the last bit", "[part]") {
  Fixture fixture;
  for (const bool tac : {false, true})
    for (const double fraction : {1.0, 0.4}) {
      fixture.options.tac = tac;
      fixture.options.curves = !tac;
      fixture.options.row_fraction = fraction;
      const std::string whole = fixture.bytes(fixture.run(fixture.job()).calibration->table);
      for (const std::int64_t count : {1, 2, 3, 9}) {  // more shares than samples too
        auto paths = fixture.parts(count);
        std::reverse(paths.begin(), paths.end());
        const Calibration merged = merge_calibration_parts(paths, {});
        CHECK(fixture.bytes(merged.table) == whole);
        CHECK(merged.table.meta.provenance.command == "tt-calibrate fit");
        CHECK(merged.table.meta.provenance.inputs ==
              std::vector<InputFile>{{"a.txt", "digest-a"}, {"b.txt", "digest-b"}});
      }
    }
}

TEST_CASE("offline SDC in shares takes a second round", "[part]") {
  Fixture fixture;
  fixture.options.offline_sdc = fixture.options.calibrated_sdc = fixture.options.rho_law = true;
  for (const bool tac : {false, true}) {
    fixture.options.tac = tac;
    const std::string whole = fixture.bytes(fixture.run(fixture.job()).calibration->table);
    const ThresholdTable first = merge_calibration_parts(fixture.parts(3), {}).table;
    CHECK(fixture.bytes(first) != whole);
    save_table(first, fixture.dir.path("first.h5"));
    std::vector<std::filesystem::path> second;
    for (std::int64_t i = 0; i < 2; ++i) {  // cut as one likes
      CalibrationJob job = fixture.job({i, 2}, "sdc" + std::to_string(i));
      job.sdc_table = &first;
      job.sdc_table_sha256 = sha256_of_path(fixture.dir.path("first.h5"));
      fixture.run(job);
      second.push_back(job.part);
    }
    CHECK(fixture.bytes(merge_calibration_parts(second, fixture.dir.path("first.h5")).table) == whole);
    CHECK(fixture.merge_error(second) == "these parts are of the second round and hold SDC terms");
    save_table(merge_calibration_parts(fixture.parts(1), {}).table, fixture.dir.path("other.h5"));
    ThresholdTable changed = first;
    changed.targets[0].cells[3][0].theta += 1;
    save_table(changed, fixture.dir.path("other.h5"));
    CHECK(fixture.merge_error(second, fixture.dir.path("other.h5")) ==
          "this is not the table that the parts were made with");
  }
}

TEST_CASE("parts that do not belong together are refused by name", "[part]") {
  Fixture fixture;
  const auto paths = fixture.parts(3);
  CHECK(fixture.merge_error({paths[0], paths[2]}) == "some parts of the calibration are missing");
  CHECK(fixture.merge_error({paths[0], paths[1], paths[2], paths[1]}) == "shard 2/3 is given twice");

  const auto other = [&](const auto& change) {
    Fixture spoiled;
    CalibrationJob job = spoiled.job({1, 3}, "other");
    change(spoiled.options, job);
    spoiled.run(job);
    std::filesystem::copy_file(job.part, fixture.dir.path("other"),
                               std::filesystem::copy_options::overwrite_existing);
    return fixture.merge_error({paths[0], fixture.dir.path("other"), paths[2]});
  };
  const std::string path = paths[0].string();
  CHECK(other([](CalibrationOptions& options, CalibrationJob&) {
          options.k = {4, 13};
        }) == "belongs to another calibration: 'k' is not that of " + path);
  CHECK(other([](CalibrationOptions& options, CalibrationJob&) { options.rho_law = true; }) ==
        "belongs to another calibration: 'rho_law' is not that of " + path);
  CHECK(other([](CalibrationOptions& options, CalibrationJob&) { options.seed = 5; }) ==
        "belongs to another calibration: 'seed' is not that of " + path);
  CHECK(other([](CalibrationOptions&, CalibrationJob& job) { job.provenance.commit = "abd"; }) ==
        "the program's commit is not that of " + path);
  CHECK(other([](CalibrationOptions&, CalibrationJob& job) { job.inputs[1].fingerprint = "x"; }) ==
        "the content of input 2 (b.txt) is not that of " + path);
  CHECK(other([](CalibrationOptions&, CalibrationJob& job) { job.inputs[1].sha256 = "x"; }) ==
        "an input file is not that of " + path);
  CHECK(other([](CalibrationOptions&, CalibrationJob& job) { job.shard.count = 4; }) ==
        "the number of shards is not that of " + path);
}

TEST_CASE("a damaged part is found out wherever the damage is", "[part]") {
  Fixture fixture;
  const auto paths = fixture.parts(1);
  const std::string good = file_text(paths[0]);
  for (const std::size_t place : {std::size_t{0}, std::size_t{100}, good.size() / 2, good.size() - 200}) {
    std::string bad = good;
    bad[place] = static_cast<char>(bad[place] ^ 4);
    write_text(paths[0], bad);
    CHECK(fixture.merge_error(paths) == "the file is damaged: its content does not match its seal");
  }
  for (const std::size_t size : {std::size_t{0}, std::size_t{40}, good.size() / 2, good.size() - 1}) {
    write_text(paths[0], good.substr(0, size));
    CHECK(fixture.merge_error(paths) == "not a calibration part, or cut short");
  }
  // Whole and sealed, but something else.
  save_table(fixture.run(fixture.job()).calibration->table, fixture.dir.path("t.h5"));
  write_sealed_file(paths[0], file_text(fixture.dir.path("t.h5")));
  CHECK(fixture.merge_error(paths) == "not a calibration part");
}

TEST_CASE("a run goes on from any of its checkpoints to the same table", "[part]") {
  Fixture fixture;
  fixture.options.offline_sdc = fixture.options.calibrated_sdc = fixture.options.rho_law = true;
  fixture.options.row_fraction = 0.5;
  struct Stop {};
  for (const bool tac : {false, true}) {
    fixture.options.tac = tac;
    fixture.options.curves = !tac;
    const std::string whole = fixture.bytes(fixture.run(fixture.job()).calibration->table);
    const int steps = static_cast<int>(fixture.windows->size()) * (tac ? 4 : 2);
    CalibrationJob job = fixture.job();
    job.checkpoint = {fixture.dir.path("checkpoint"), 0, true};
    std::filesystem::remove(job.checkpoint.path);
    // Ends after every single sample, before its checkpoint is written: each restart gets two samples
    // further.
    int restarts = 0;
    std::optional<Calibration> result;
    while (!result && restarts < 2 * steps) {
      int left = 2;
      fixture.options.progress = [&](std::string_view, std::int64_t, std::int64_t, std::string_view) {
        if (left-- == 0) throw Stop();
      };
      try {
        result = fixture.run(job).calibration;
      } catch (const Stop&) {
        ++restarts;
      }
    }
    fixture.options.progress = nullptr;
    REQUIRE(result);
    CHECK(restarts >= steps / 2 - 1);
    CHECK(fixture.bytes(result->table) == whole);
  }
}

TEST_CASE("a foreign or damaged checkpoint is refused", "[part]") {
  Fixture fixture;
  CalibrationJob job = fixture.job();
  job.checkpoint = {fixture.dir.path("checkpoint"), 0, true};
  fixture.run(job);
  const auto error = [&](const CalibrationJob& with) {
    return problem_of<InputError>([&] { fixture.run(with); }).what;
  };
  fixture.options.add_sigma = 0.4;
  CHECK(error(job) == "belongs to another calibration: 'add_sigma' is not that of this run");
  fixture.options.add_sigma = 0.3;
  CalibrationJob shard = job;
  shard.shard = {0, 2};
  shard.part = fixture.dir.path("p");
  CHECK(error(shard) == "the checkpoint of another shard");
  CHECK(fixture.merge_error({job.checkpoint.path}) ==
        "this is the checkpoint of an unfinished run, not a part");
  std::string bytes = file_text(job.checkpoint.path);
  bytes[bytes.size() / 3] = static_cast<char>(~bytes[bytes.size() / 3]);
  write_text(job.checkpoint.path, bytes);
  CHECK(error(job) == "the file is damaged: its content does not match its seal");
  CalibrationJob part = job;
  part.checkpoint.path = fixture.parts(1)[0];
  CHECK(error(part) == "this is a finished part, not a checkpoint");
}
