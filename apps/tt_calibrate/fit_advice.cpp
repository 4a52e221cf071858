#include "tt_calibrate/fit_advice.hpp"

#include "report/audit.hpp"

namespace toptheta::app {

void advise_on_documents(RowSource& source, const std::vector<std::int64_t>& document_of,
                         const ThresholdTable& table, double precision, Session& session) {
  AuditOptions options{.document_of = document_of, .seed = session.seed};
  options.progress = session.stage_progress();
  AuditReport report{.precision = precision};
  report.audit = audit_table(table, "the thresholds just fitted", source, options);
  for (AuditedTarget& target : report.audit.targets)
    target.thin.clear();  // fit warns of these by itself
  session.console.finish();
  for (const std::string& advice : advice_of(report))
    session.console.note(advice);
}

}  // namespace toptheta::app
