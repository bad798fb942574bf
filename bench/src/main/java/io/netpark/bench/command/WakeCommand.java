package io.netpark.bench.command;

import io.netpark.bench.machine.BenchFailure;
import io.netpark.bench.machine.Cores;
import io.netpark.bench.report.Numbers;
import io.netpark.bench.report.Report;
import io.netpark.bench.report.Section;
import io.netpark.bench.report.Section.Bar;
import io.netpark.bench.run.Contender;
import io.netpark.bench.run.LoadProcess;
import io.netpark.bench.run.ServerProcess;
import io.netpark.bench.server.Service;
import io.netpark.bench.server.Service.Mode;
import io.netpark.bench.wake.TaskWakes;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.HdrHistogram.Histogram;
import picocli.CommandLine.Command;

/** How soon a loop that sleeps is at work. */
@Command(name = "wake", description = "Latency of waking a loop: by readiness, and by another thread's task.")
final class WakeCommand extends Benchmark {

    private static final int BUFFER = 512;
    private static final int PAUSE_MICROS = 100;
    private static final int COUNT = 20_000;
    private static final int QUICK_COUNT = 2_000;
    private static final int TASK_ROUNDS = 30;
    private static final int QUICK_TASK_ROUNDS = 9;
    private static final int TASKS_A_ROUND = 1_000;
    private static final List<String> PERCENTILES = List.of("p50", "p99", "p999");

    private final Section ready = new Section("Readiness to handler", "µs, median",
            List.of("server", "p50 µs", "p99 µs", "p99.9 µs"));
    @Override
    protected Report measure() {
        Cores cores = Cores.choose();
        int count = options.quick ? QUICK_COUNT : COUNT;
        Report report = new Report(name(), "Waking a loop", List.of(
                "Readiness to handler: the generator sends eight bytes to a server that sleeps, and the handler answers"
                        + " with its clock, which is the generator's clock too; from before the send to the handler's"
                        + " first line. In between are two system calls, the network stack, and the scheduler.",
                "Task to loop: another thread of the same process hands a task to the loop while it sleeps; from before"
                        + " the hand-over to the task's first line. The process may use all cores. The floor is a thread in C that waits on a"
                        + " futex, and one that waits for an eventfd in epoll_wait, as a loop does. " + TASKS_A_ROUND + " a round; percentiles are medians of rounds [95 % interval],"
                        + " ratios are to the floor in the same round.",
                count + " of readiness, in one go: single figures, without intervals; " + PAUSE_MICROS + " µs and more apart; " + cores.describe() + "."));
        try (LoadProcess load = LoadProcess.start(cores)) {
            for (Contender contender : options.fewerContenders()) {
                options.progress.say("wake: " + contender.label());
                try {
                    byReadiness(contender, cores, load, count);
                } catch (BenchFailure e) {
                    ready.note(contender.label() + " dropped out: " + e.getMessage());
                }
            }
        }
        report.add(ready);
        report.add(TaskWakes.measure(options.fewerContenders(), options.quick ? QUICK_TASK_ROUNDS : TASK_ROUNDS,
                TASKS_A_ROUND, options.progress));
        return report;
    }

    private void byReadiness(Contender contender, Cores cores, LoadProcess load, int count) {
        try (ServerProcess server = ServerProcess.start(contender, new Service(Mode.STAMP, 1, BUFFER), cores)) {
            load.stamp(server.port(), count, 0);
            load.stamp(server.port(), count / 2, PAUSE_MICROS);
            Histogram latencies = load.stamp(server.port(), count, PAUSE_MICROS).latencies();
            add(ready, contender, List.of(latencies.getValueAtPercentile(50), latencies.getValueAtPercentile(99),
                    latencies.getValueAtPercentile(99.9)));
        }
    }

    private static void add(Section section, Contender contender, List<Long> nanos) {
        List<String> row = new ArrayList<>(List.of(contender.label()));
        Map<String, Object> data = new LinkedHashMap<>();
        data.put("server", contender.label());
        for (int i = 0; i < nanos.size(); i++) {
            row.add(Numbers.text(nanos.get(i) / 1e3, 1));
            data.put(PERCENTILES.get(i) + "Nanos", nanos.get(i));
        }
        section.row(row);
        section.bar(new Bar(contender.label(), nanos.get(0) / 1e3, row.get(1), contender.isNetpark()));
        section.data(data);
    }
}
