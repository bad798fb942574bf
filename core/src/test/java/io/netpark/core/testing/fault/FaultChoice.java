package io.netpark.core.testing.fault;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * Which faults of a program are tried. As a rule some that a seed draws: of each of its calls one, whichever come
 * first, then of each another one.
 *
 * <p>System properties: {@code netpark.test.faults} is how many of a program's faults are tried, or {@code all};
 * {@code netpark.test.seed} is the seed, which is always the same otherwise: a contract may wait for
 * what a fault has taken from it, and a run of the tests would be red by the day then.
 */
public final class FaultChoice {

    /** Of calls that a program makes again and again the first so many can fail, and as many of the others. */
    private static final int OF_ONE_CALL = 40;

    private static final String EXTENT = System.getProperty("netpark.test.faults", "");
    private static final long SEED = Long.getLong("netpark.test.seed", 20_788);

    private static final LongAdder ALL = new LongAdder();
    private static final LongAdder CHOSEN = new LongAdder();

    private FaultChoice() {}

    /** Whether no more are tried than there is time for in a usual run. */
    public static boolean isUsual() {
        return EXTENT.isEmpty();
    }

    /** What the choice follows from, for who has to choose something else. */
    public static long seed() {
        return SEED;
    }

    /**
     * Chooses.
     *
     * @param counts how often the program makes each call
     * @param usual how many faults are tried if it is not told otherwise
     */
    public static List<Fault> of(Map<String, Integer> counts, int usual) {
        int most = EXTENT.isEmpty() ? usual : EXTENT.equals("all") ? Integer.MAX_VALUE : Integer.parseInt(EXTENT);
        Random random = new Random(SEED + counts.hashCode());
        List<List<Fault>> byCalls = new ArrayList<>();
        new TreeMap<>(counts).forEach((call, count) -> {
            List<Integer> failures = Failures.of(call);
            ALL.add((long) count * failures.size());
            List<Fault> faults = new ArrayList<>();
            for (int number : numbers(count, random)) {
                failures.forEach(errno -> faults.add(new Fault(call, number, errno)));
            }
            Collections.shuffle(faults, random);
            byCalls.add(faults);
        });
        Collections.shuffle(byCalls, random);
        List<Fault> chosen = inTurn(byCalls, most);
        CHOSEN.add(chosen.size());
        return chosen;
    }

    private static List<Integer> numbers(int count, Random random) {
        List<Integer> first = new ArrayList<>();
        List<Integer> others = new ArrayList<>();
        for (int number = 1; number <= count; number++) {
            (number <= OF_ONE_CALL ? first : others).add(number);
        }
        Collections.shuffle(others, random);
        first.addAll(others.subList(0, Math.min(OF_ONE_CALL, others.size())));
        return first;
    }

    /** The first of each, then the second of each, and so on. */
    private static List<Fault> inTurn(List<List<Fault>> byCalls, int most) {
        List<Fault> chosen = new ArrayList<>();
        int longest = byCalls.stream().mapToInt(List::size).max().orElse(0);
        for (int turn = 0; turn < longest; turn++) {
            for (List<Fault> faults : byCalls) {
                if (turn < faults.size() && chosen.size() < most) {
                    chosen.add(faults.get(turn));
                }
            }
        }
        return chosen;
    }

    /** How many have been chosen of how many since this was last asked, for the log of the build; null if none. */
    public static @Nullable String takeSummary() {
        long chosen = CHOSEN.sumThenReset();
        long all = ALL.sumThenReset();
        return chosen == 0 ? null : chosen + " faults of " + all + " were tried, drawn by -Dnetpark.test.seed=" + SEED;
    }
}
