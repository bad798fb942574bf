package io.netpark.bench.command;

import io.netpark.bench.machine.BenchFailure;
import io.netpark.bench.machine.SystemCalls;
import io.netpark.bench.report.Narrow;
import io.netpark.bench.report.Numbers;
import io.netpark.bench.run.Contender;
import io.netpark.bench.run.Entrant;
import io.netpark.bench.run.Folders;
import io.netpark.bench.run.Plan;
import io.netpark.bench.run.Progress;
import io.netpark.bench.run.Shape;
import io.netpark.bench.run.Stop;
import io.netpark.core.sys.Binding;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Options that the benchmarks share. */
public final class Options {

    private static final int DEFAULT_ROUNDS = 60;
    private static final int QUICK_ROUNDS = 9;
    private static final double DEFAULT_SECONDS = 0.2;
    private static final double QUICK_SECONDS = 0.2;
    private static final int DEFAULT_LIVES = 3;
    /** At least, unless lives are asked for: a warm-up for less is not worth its time. */
    private static final int ROUNDS_A_LIFE = 10;
    private static final double DEFAULT_LIMIT_MINUTES = 10;
    private static final double DEFAULT_WARM_UP = 6;
    private static final double QUICK_WARM_UP = 2;

    @Option(names = "--quick", description = "Fewer and shorter rounds: a first impression.")
    public boolean quick;

    @Option(names = "--rounds", description = "How often each server has its turn, at least.")
    private @Nullable Integer rounds;

    @Option(names = "--seconds", description = "How long a turn is measured.")
    private @Nullable Double seconds;

    @Option(names = "--until", paramLabel = "WIDTH", description = "Go on with rounds until half of each ratio's 95 %% interval is at"
            + " most so large a part of it, such as 0.02.")
    private @Nullable Double until;

    @Option(names = "--at-most", paramLabel = "MINUTES", description = "No round begins after so long, for each shape. With --until 10 by default,"
            + " and then after the --rounds only.")
    private @Nullable Double atMost;

    @Option(names = "--warm-up", description = "Seconds of work for each server before the first round, at most.")
    private @Nullable Double warmUp;

    @Option(names = "--lives", description = "In how many processes each server lives, one after the other, each with a warm-up and its part"
            + " of the rounds: chance deals each process another place in memory. 3 by default, fewer where one would have less than 10 rounds, and 1"
            + " for tls and with --until, whose further rounds are of the last.")
    private @Nullable Integer lives;

    @Option(names = "--servers", split = ",", description = "Which servers, by name; all by default.")
    private List<String> servers = new ArrayList<>();

    @Option(names = "--shapes", split = ",", description = "Which shapes, by name; all by default.")
    private List<String> shapes = new ArrayList<>();

    @Option(names = "--no-system-calls", description = "Do not count system calls.")
    private boolean noSystemCalls;

    @Option(names = "--results", description = "Folder of the results; bench/results by default, and below it jdk-N for any JDK but 25.")
    private @Nullable Path results;

    /** Steps go to the error stream: the output stream has the tables. */
    public final Progress progress = new Progress(System.err);
    private double usualWarmUp = DEFAULT_WARM_UP;
    private int usualLives = DEFAULT_LIVES;
    private @Nullable List<Contender> contenders;
    private final List<String> absences = new ArrayList<>();

    /** Those asked for that can run here; the others are named once. */
    List<Contender> contenders() {
        return contenders(Contender.usual());
    }

    /** The same, where others than usual take part unless somebody is asked for. */
    List<Contender> contenders(List<Contender> usual) {
        List<Contender> present = contenders;
        if (present == null) {
            present = present(servers.isEmpty() ? usual : servers.stream().map(Contender::of).toList());
            contenders = present;
        }
        return present;
    }

    /** Those of them that can run here. The others are named, and noted for {@link #absences}. */
    private <E extends Entrant> List<E> present(List<E> wanted) {
        List<E> present = new ArrayList<>();
        for (E contender : wanted) {
            Optional<String> absence = contender.absence();
            if (absence.isPresent()) {
                progress.say("without " + contender.label() + ": " + absence.get());
                absences.add(contender.label() + " is left out: " + absence.get() + ".");
            } else {
                present.add(contender);
            }
        }
        return present;
    }

    /** A sentence of each who was wanted and cannot run here. */
    List<String> absences() {
        return absences;
    }

    /** The same but, when time is short and nobody was asked for by name, Netpark by its best binding only. */
    List<Contender> fewerContenders() {
        return fewer(contenders());
    }

    /** Of all that there are, those asked for that can run here, or fewer as in {@link #fewerContenders}. */
    public <E extends Entrant> List<E> fewerOf(List<E> all) {
        return fewer(present(wanted("server", servers, all, Entrant::label)));
    }

    /** Whether servers were named. */
    public boolean isAnybodyAskedFor() {
        return !servers.isEmpty();
    }

    /** Those of them that a quick run has time for. */
    <E extends Entrant> List<E> fewer(List<E> all) {
        boolean hasFfm = all.stream().anyMatch(contender -> contender.binding() == Binding.FFM);
        return quick && servers.isEmpty() && hasFfm
                ? all.stream().filter(contender -> contender.binding() != Binding.JNA).toList() : all;
    }

    /** What this benchmark does unless it is asked for something else: seconds of warm-up at most, and lives of each server. */
    void usually(double warmUp, int lives) {
        usualWarmUp = warmUp;
        usualLives = lives;
    }

    public Plan plan() {
        Double width = until;
        double minutes = atMost != null ? atMost : DEFAULT_LIMIT_MINUTES;
        long limit = Math.round(minutes * 60_000);
        Stop stop = width == null ? Stop.AFTER_THE_PLAN : new Narrow(width, limit);
        return new Plan(warmUpMillis(), rounds(), roundMillis(), atMost == null ? stop : stop.within(limit), lives());
    }

    long warmUpMillis() {
        return millis(warmUp, quick ? QUICK_WARM_UP : usualWarmUp);
    }

    private int lives() {
        Integer chosen = lives;
        if (chosen != null && chosen < 1) {
            throw new BenchFailure("--lives " + chosen + ": a server lives once at least");
        }
        return chosen != null ? chosen : until != null ? 1 : Math.max(1, Math.min(usualLives, rounds() / ROUNDS_A_LIFE));
    }

    private int rounds() {
        return rounds != null ? rounds : quick ? QUICK_ROUNDS : DEFAULT_ROUNDS;
    }

    private long roundMillis() {
        return millis(seconds, quick ? QUICK_SECONDS : DEFAULT_SECONDS);
    }

    /** How much is measured, for the report. */
    public String extent() {
        return extent(lives());
    }

    /** As the other, where each server lives as long as the benchmark. */
    String extentOfOneLife() {
        return extent(1);
    }

    private String extent(int lives) {
        Double minutes = atMost;
        String number = minutes != null ? "At most " : until != null ? "At least " : "";
        String end = minutes == null ? "" : ", none of which began later than " + Numbers.text(minutes, 1) + " minutes of measuring after the first,";
        String warmUp = "after a warm-up of at most " + warmUpMillis() + " ms";
        return number + rounds() + " rounds of " + roundMillis() + " ms" + end + " "
                + (lives == 1 ? "" : "in " + lives + " processes of each server, one after the other, each ") + warmUp;
    }

    private static long millis(@Nullable Double chosen, double otherwise) {
        return Math.round((chosen != null ? chosen : otherwise) * 1000);
    }

    <S extends Shape> List<S> shapes(List<S> all) {
        return shapes(all, Shape::label);
    }

    /** Those asked for, by their labels. */
    public <S> List<S> shapes(List<S> all, Function<? super S, String> label) {
        return wanted("shape", shapes, all, label);
    }

    private static <S> List<S> wanted(String what, List<String> labels, List<S> all, Function<? super S, String> label) {
        if (labels.isEmpty()) {
            return all;
        }
        List<S> wanted = all.stream().filter(each -> labels.contains(label.apply(each))).toList();
        if (wanted.isEmpty()) {
            throw new BenchFailure("no such " + what + "; there are " + String.join(", ", all.stream().map(label).toList()));
        }
        return wanted;
    }

    /** What counts system calls; empty if nobody wants to know, or nothing can. */
    public Optional<SystemCalls> counter() {
        return noSystemCalls ? Optional.empty() : SystemCalls.find();
    }

    /** What the report says about it. */
    public static String aboutSystemCalls(Optional<SystemCalls> counter) {
        return counter.map(tool -> "System calls were counted in a separate run with `" + tool.name() + "`.")
                .orElse("System calls were not counted: skipped, or neither perf nor strace works here.");
    }

    Path results() {
        return results != null ? results : Folders.results();
    }
}
