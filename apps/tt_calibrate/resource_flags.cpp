#include "tt_calibrate/resource_flags.hpp"

#include <fmt/format.h>

#include <cctype>
#include <charconv>
#include <cmath>

#include "calibrate/estimate.hpp"
#include "common/choice_flag.hpp"
#include "common/common_flags.hpp"
#include "common/format_flag.hpp"
#include "common/output.hpp"
#include "core/error.hpp"
#include "report/listing.hpp"

namespace toptheta::app {

namespace {

// "512M", "1.5 GiB", "800000000": binary multiples.
std::int64_t parse_size(const std::string& text) {
  double number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  std::string unit;
  for (const char* c = rest; c != end; ++c)
    if (*c != ' ') unit += static_cast<char>(std::toupper(static_cast<unsigned char>(*c)));
  for (const char* ending : {"IB", "B"})
    if (unit.ends_with(ending)) {
      unit.resize(unit.size() - std::string_view(ending).size());
      break;
    }
  constexpr std::string_view kPrefixes = "KMGT";
  const std::size_t prefix = unit.empty() ? 0 : kPrefixes.find(unit);
  const std::size_t power = unit.empty() ? 0 : prefix + 1;
  const double bytes = number * std::pow(1024.0, static_cast<double>(power));
  if (error != std::errc() || unit.size() > 1 || prefix == std::string_view::npos || !(bytes >= 1) ||
      bytes > 0x1p60)
    throw UsageError({.where = "--max-memory",
                      .what = "not an amount of memory",
                      .expected = "a number with K, M, G or T (powers of 1024): 512M, 1.5G",
                      .found = text});
  return static_cast<std::int64_t>(bytes);
}

// Rounded up, so that what is shown suffices.
std::string format_size(std::int64_t bytes) {
  return fmt::format("{}M", (bytes + (1 << 20) - 1) >> 20);
}

}  // namespace

void declare_resources(CLI::App& app, ResourceFlags& flags) {
  app.add_option("--max-memory", flags.max_memory,
                 "Memory to use at most, for dumps only: 512M, 4G. Mapped pages of the files do not count; "
                 "too little makes chunked dumps slow. By default at most 512 MiB of buffers, or up to 2 GiB "
                 "if larger chunks need it to be decoded only once")
      ->type_name("SIZE");
  app.add_flag("--dry-run", flags.dry_run,
               "Read only the headers of the dumps, print what would be read and how much memory it takes, "
               "and write nothing");
  add_choice(app, "--digest", flags.digest,
             "How the table identifies its dumps: full = SHA-256 of every byte (1 to 2 GB/s, which is slower "
             "than calibrating); fingerprint = a digest of the size and 4 MiB of each dump; auto = full for "
             "up to 256 MiB in total")
      ->group(kOutputGroup);
}

ResourcePlan resolve_resources(const ResourceFlags& flags, bool from_dumps) {
  ResourcePlan plan;
  if (!flags.max_memory.empty()) plan.max_memory = parse_size(flags.max_memory);
  plan.dry_run = flags.dry_run;
  plan.digest = flags.digest;
  if (!from_dumps && (plan.max_memory > 0 || plan.dry_run))
    throw UsageError({.where = plan.dry_run ? "--dry-run" : "--max-memory",
                      .what = "only applies to reading dumps",
                      .expected = "dump files as input",
                      .next = "leave it out with --model, --text and --follow"});
  return plan;
}

void print_estimate(DumpSource& source, const CalibrationOptions& options, const Shard& shard,
                    ResultFormat format) {
  const CalibrationEstimate estimate = estimate_calibration(source, options, shard);
  Listing listing;
  listing.schema = "toptheta.fit-estimate/1";
  listing.columns = {{"samples", "samples"},
                     {"rows", "rows"},
                     {"bytes", "bytes to read"},
                     {"passes", "passes"},
                     {"entries", "thresholds"},
                     {"peak_memory", "peak memory"},
                     {"least_memory", "least --max-memory"},
                     {"output_bytes", "output bytes"}};
  listing.rows.push_back({estimate.samples, estimate.rows, estimate.bytes, estimate.passes, estimate.entries,
                          estimate.best(), estimate.least(), estimate.output_bytes});
  listing.notes = {"Bytes are those of one pass, uncompressed. Memory (in bytes) and output are estimates."};
  write_stdout(format_listing(listing, format, layout_of({})));
}

void limit_memory(DumpSource& source, const CalibrationOptions& options, const Shard& shard,
                  std::int64_t most) {
  const CalibrationEstimate estimate = estimate_calibration(source, options, shard);
  if (most < estimate.least())
    throw UsageError(
        {.where = "--max-memory",
         .what = "too little for this calibration",
         .expected = "at least " + format_size(estimate.least()),
         .found = fmt::format("{} bytes", most),
         .next = fmt::format("give fewer k: thresholds take {} of it, in proportion to the number of k",
                             format_size(estimate.state_bytes))});
  source.limit_memory(most - estimate.program_bytes - estimate.state_bytes);
}

}  // namespace toptheta::app
