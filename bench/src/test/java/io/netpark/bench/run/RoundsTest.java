package io.netpark.bench.run;

import io.netpark.bench.machine.BenchFailure;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.HdrHistogram.Histogram;
import org.junit.jupiter.api.Test;

/** Who has a turn when, and what becomes of one that fails. */
class RoundsTest {

    private static final List<Contender> ALL = List.of(Contender.FLOOR, Contender.NETTY, Contender.NIO);
    private static final Plan THREE_ROUNDS = new Plan(7, 3, 5);

    private final List<String> events = new ArrayList<>();

    /** Nothing runs: it writes down what would. */
    private final class Runner implements Closeable {
        private final Contender contender;

        Runner(Contender contender) {
            this.contender = contender;
        }

        void warmUp() {
            events.add(contender.label() + " warm");
        }

        Sample turn(long millis) {
            events.add(contender.label() + " " + millis);
            return new Sample(1, 1, 1, 1, 0.5, 1, 0, 1, 1, new Histogram(3), 0);
        }

        @Override
        public void close() {
            events.add(contender.label() + " closed");
        }
    }

    @Test
    void everyRoundGivesEachATurnInAnotherOrder() {
        Rounds<Runner> rounds = rounds();
        rounds.play(Runner::warmUp, Runner::turn);
        assertEquals(List.of("floor warm", "netty warm", "nio warm", "floor 5", "netty 5", "nio 5", "floor 5", "nio 5", "netty 5",
                "nio 5", "floor 5", "netty 5"), events);
        assertEquals(List.of(3, 3, 3), rounds.records().stream().map(record -> record.samples().size()).toList());
    }

    @Test
    void roundsGoOnUntilThereAreEnough() {
        Plan plan = new Plan(7, 3, 5, (records, spent) -> records.get(0).samples().size() == 5, 1);
        Rounds<Runner> rounds = new Rounds<>("test", plan, silence(), ALL, Runner::new);
        rounds.play(Runner::warmUp, Runner::turn);
        assertEquals(List.of(5, 5, 5), rounds.records().stream().map(record -> record.samples().size()).toList());
    }

    @Test
    void noRoundBeginsWhenTheTimeIsOver() {
        Plan plan = new Plan(7, 3, 5, Stop.AFTER_THE_PLAN.within(0), 1);
        Rounds<Runner> rounds = new Rounds<>("test", plan, silence(), ALL, Runner::new);
        rounds.play(Runner::warmUp, Runner::turn);
        assertEquals(List.of(1, 1, 1), rounds.records().stream().map(record -> record.samples().size()).toList());
    }

    @Test
    void eachLifeBeginsWithAWarmUpAndHasItsPartOfTheRounds() {
        Rounds<Runner> rounds = new Rounds<>("test", new Plan(7, 4, 5, Stop.AFTER_THE_PLAN, 2), silence(), ALL.subList(0, 1), Runner::new);
        rounds.play(Runner::warmUp, Runner::turn);
        assertEquals(List.of("floor warm", "floor 5", "floor 5", "floor closed", "floor warm", "floor 5", "floor 5"), events);
        assertEquals(List.of(0, 0, 1, 1), rounds.records().get(0).samples().stream().map(Sample::life).toList());
    }

    @Test
    void eachLifeHasItsRoundWhenTheTimeIsOver() {
        Rounds<Runner> rounds = new Rounds<>("test", new Plan(7, 60, 5, Stop.AFTER_THE_PLAN.within(0), 3), silence(), ALL, Runner::new);
        rounds.play(Runner::warmUp, Runner::turn);
        assertEquals(List.of(0, 1, 2), rounds.records().get(0).samples().stream().map(Sample::life).toList());
    }

    @Test
    void oneThatHasDroppedOutDoesNotLiveAgain() {
        Rounds<Runner> rounds = new Rounds<>("test", new Plan(7, 2, 5, Stop.AFTER_THE_PLAN, 2), silence(), ALL.subList(0, 2), Runner::new);
        rounds.play(Runner::warmUp, (runner, millis) -> {
            if (runner.contender == Contender.NETTY) {
                throw new BenchFailure("it is tired");
            }
            return runner.turn(millis);
        });
        assertEquals(1, events.stream().filter(event -> event.equals("netty warm")).count());
        assertEquals(List.of(2, 0), rounds.records().stream().map(record -> record.samples().size()).toList());
    }

    @Test
    void oneThatFailsDropsOutAndIsClosed() {
        Rounds<Runner> rounds = rounds();
        rounds.play(Runner::warmUp, (runner, millis) -> {
            if (runner.contender == Contender.NETTY && events.contains("netty 5")) {
                throw new BenchFailure("it is tired");
            }
            return runner.turn(millis);
        });
        rounds.close();
        assertEquals(Optional.of("it is tired"), rounds.records().get(1).failure());
        assertEquals(List.of(3, 1, 3), rounds.records().stream().map(record -> record.samples().size()).toList());
        assertEquals(List.of("netty closed", "floor closed", "nio closed"),
                events.stream().filter(event -> event.endsWith("closed")).toList());
    }

    @Test
    void oneThatDoesNotStartHasARecordWithoutRounds() {
        Rounds<Runner> rounds = new Rounds<>("test", THREE_ROUNDS, silence(), ALL, contender -> {
            if (contender == Contender.FLOOR) {
                throw new BenchFailure("there is none");
            }
            return new Runner(contender);
        });
        rounds.play(Runner::warmUp, Runner::turn);
        assertEquals(Optional.of("there is none"), rounds.records().get(0).failure());
        assertEquals(List.of(0, 3, 3), rounds.records().stream().map(record -> record.samples().size()).toList());
    }

    private Rounds<Runner> rounds() {
        return new Rounds<>("test", THREE_ROUNDS, silence(), ALL, Runner::new);
    }

    private static Progress silence() {
        return new Progress(new PrintStream(new ByteArrayOutputStream()));
    }
}
