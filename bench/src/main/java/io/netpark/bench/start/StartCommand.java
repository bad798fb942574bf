package io.netpark.bench.start;

import io.netpark.bench.machine.BenchFailure;
import io.netpark.bench.machine.Cores;
import io.netpark.bench.report.Report;
import io.netpark.bench.run.Contender;
import io.netpark.bench.run.Folders;
import io.netpark.bench.run.Progress;
import io.netpark.core.sys.Binding;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** How long a server takes from the start of its JVM. */
@Command(
        name = "start",
        description = "From the start of a JVM to listening and to the first answer; heap and RSS then. With an archive of classes, too.",
        mixinStandardHelpOptions = true)
public final class StartCommand implements Callable<Integer> {

    private static final int ROUNDS = 40;
    private static final int QUICK_ROUNDS = 9;
    private static final double LIMIT_MINUTES = 10;

    @Option(names = "--quick", description = "Fewer starts, of Netpark with its best binding only: a first impression.")
    private boolean quick;

    @Option(names = "--rounds", description = "How often each is started, at most; 40 by default.")
    private @Nullable Integer rounds;

    @Option(names = "--at-most", paramLabel = "MINUTES", description = "No round begins after so long; 10 by default.")
    private double atMost = LIMIT_MINUTES;

    @Option(names = "--servers", split = ",", description = "Which servers, by name; all by default.")
    private List<String> servers = new ArrayList<>();

    @Option(names = "--all-cores", description = "Servers may use all cores. Nobody knows then what others had of them.")
    private boolean allCores;

    @Option(names = "--results", description = "Folder of the results; bench/results by default.")
    private @Nullable Path results;

    /** Steps go to the error stream: the output stream has the tables. */
    private final Progress progress = new Progress(System.err);

    @Override
    public Integer call() {
        Cores cores = allCores ? new Cores(-1, -1) : Cores.choose();
        List<Starter> starters = starters();
        boolean rehearses = starters.stream().anyMatch(Starter::isPrepared);
        progress.say("start: warm-up" + (rehearses ? ", and a rehearsal of each for " + Archive.kind() : ""));
        starters.forEach(starter -> {
            starter.warmUp(cores);
            progress.say("start: " + starter.label() + starter.failure().map(reason -> " drops out: " + reason).orElse(" is ready"));
        });
        int played = play(starters, cores);
        Report report = new Report("start", "From the start of a JVM to the first answer", List.of(
                "Servers of one echo are started in turns, each in a JVM of its own. Time begins before the process is made. It listens"
                        + " when it says so; then a client connects, sends four bytes and gets them back. Heap: in use after the answer and"
                        + " a collection. RSS: before that collection, with the pages of files that are mapped.",
                "Shown are medians and their 95 % intervals. What is \"after\" another is paired with the other's starts of the rounds"
                        + " around. `nio`, the JDK's selector by hand, is the floor.",
                played + " rounds; " + cores.describe() + "."));
        for (boolean isPrepared : new boolean[] {false, true}) {
            if (starters.stream().anyMatch(starter -> starter.isPrepared() == isPrepared)) {
                report.add(new StartTable(starters, isPrepared).section());
            }
        }
        System.out.println(report.tables());
        progress.say("wrote " + report.write(results == null ? Folders.results() : results));
        return 0;
    }

    private List<Starter> starters() {
        List<Contender> present = new ArrayList<>();
        for (Contender contender : wanted()) {
            contender.absence().ifPresentOrElse(
                    reason -> progress.say("without " + contender.label() + ": " + reason), () -> present.add(contender));
        }
        Optional<String> absence = Archive.absence();
        absence.ifPresent(reason -> progress.say("without archives of classes: " + reason));
        return Stream.of(false, true).filter(isPrepared -> !isPrepared || absence.isEmpty())
                .flatMap(isPrepared -> present.stream().map(contender -> new Starter(contender, isPrepared))).toList();
    }

    private List<Contender> wanted() {
        if (servers.isEmpty()) {
            boolean onlyBest = quick && Contender.COROUTINE_FFM.absence().isEmpty();
            return Contender.ofStarts().stream().filter(each -> !onlyBest || each.binding() != Binding.JNA).toList();
        }
        List<Contender> named = servers.stream().map(Contender::of).toList();
        if (!Contender.ofStarts().containsAll(named)) {
            throw new BenchFailure("start has " + String.join(", ", Contender.ofStarts().stream().map(Contender::label).toList()));
        }
        return named;
    }

    /** Every round in another order. */
    private int play(List<Starter> starters, Cores cores) {
        int most = rounds != null ? rounds : quick ? QUICK_ROUNDS : ROUNDS;
        long end = System.nanoTime() + Math.round(atMost * 60e9);
        List<Starter> order = new ArrayList<>(starters);
        Random random = new Random(1);
        int round = 0;
        while (round < most && (round == 0 || System.nanoTime() - end < 0)) {
            round++;
            progress.say("start: round " + round + " of " + most);
            Collections.shuffle(order, random);
            order.forEach(starter -> starter.play(cores));
        }
        return round;
    }
}
