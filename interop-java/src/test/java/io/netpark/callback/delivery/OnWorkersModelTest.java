package io.netpark.callback.delivery;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.Test;

/**
 * Explores every order in which a loop, a worker, arriving bytes, rejections and the end of a connection can follow one
 * another. Loop and worker are queues here, and at each step any of what is possible happens.
 */
class OnWorkersModelTest {

    private static final int ARRIVALS = 3;
    private static final int REJECTIONS = 2;
    private static final int DEPTH = 11;

    /** One run, steered by a list of choices; what is beyond the list takes the first possibility. */
    private static final class World implements CallSource {
        final ArrayDeque<Runnable> loop = new ArrayDeque<>();
        final ArrayDeque<Runnable> worker = new ArrayDeque<>();
        /** What looks for room again, after a while. */
        final ArrayDeque<Runnable> later = new ArrayDeque<>();
        final Refusal policy;
        final OnWorkers turns;
        int arrivals;
        int agains = 1;
        boolean pausable = true;
        boolean paused;
        boolean rejecting;
        int rejections;
        boolean loopEnded;
        boolean ended;
        boolean closed;
        int fresh;
        int handedOut;
        int seen;
        boolean calling;
        boolean connected;
        final List<String> trace = new ArrayList<>();

        World(Refusal policy) {
            this.policy = policy;
            Crew workers = new Crew(job -> {
                if (rejecting) {
                    rejecting = false;
                    throw new RejectedExecutionException();
                }
                worker.add(job);
                assertEquals(1, worker.size(), () -> "two calls at a time: " + trace);
            }, null, "workers", Crew.AS_IT_SAYS, later::add);
            turns = new OnWorkers(null, new Object(), this, workers, task -> !loopEnded && loop.add(task));
            turns.want(Delivery.CONNECT);
        }

        @Override
        public boolean mayCall(int event) {
            return !ended && (event == Delivery.INPUT ? fresh > 0 && !paused : event != Delivery.HALF_CLOSE || fresh == 0);
        }

        @Override
        public boolean isEmpty(int event) {
            return false;
        }

        @Override
        public void before(int event) {
            assertFalse(calling, () -> "handed out in the midst of a call: " + trace);
            assertFalse(closed, () -> "called after the end: " + trace);
            if (event == Delivery.INPUT || event == Delivery.AGAIN) {
                handedOut = fresh;
                fresh = 0;
            }
        }

        @Override
        public void call(int event) {
            assertFalse(closed, () -> "called after the end: " + trace);
            assertTrue(connected || event == Delivery.CONNECT, () -> "before connect: " + trace);
            if (event == Delivery.HALF_CLOSE) {
                assertEquals(arrivals, seen, () -> "the end before the last byte: " + trace);
            }
            seen += handedOut;
            handedOut = 0;
        }

        @Override
        public void after(int event) {
            connected |= event == Delivery.CONNECT;
        }

        @Override
        public Refusal refused() {
            return policy;
        }

        @Override
        public void rejected(int event) {
            end();
        }

        @Override
        public void begins(int event) {
            assertFalse(closed, () -> "begins after the end: " + trace);
        }

        @Override
        public void failed(String because, Throwable thrown) {
            throw new AssertionError(because, thrown);
        }

        void end() {
            if (!ended) {
                ended = true;
                turns.whenAtRest(() -> {
                    assertFalse(closed, () -> "closed twice: " + trace);
                    closed = true;
                });
            }
        }

        /** What can happen now. */
        List<String> possible() {
            List<String> all = new ArrayList<>();
            if (!loop.isEmpty()) {
                all.add("loop");
            }
            if (!worker.isEmpty()) {
                all.add("worker");
            }
            if (!later.isEmpty()) {
                all.add("later");
            }
            if (connected && arrivals < ARRIVALS && !ended && !loopEnded) {
                all.add("byte");
            }
            if (connected && agains > 0 && !ended) {
                all.add("again");
            }
            if (connected && !ended && (paused || pausable)) {
                all.add(paused ? "resume" : "pause");
            }
            if (rejections < REJECTIONS && !rejecting) {
                all.add("reject");
            }
            if (!ended) {
                all.add("end");
            }
            return all;
        }

        void step(String what) {
            trace.add(what);
            switch (what) {
                case "loop" -> loop.remove().run();
                case "worker" -> worker.remove().run();
                case "later" -> later.remove().run();
                case "byte" -> {
                    arrivals++;
                    fresh++;
                    turns.want(Delivery.INPUT);
                }
                case "again" -> {
                    agains--;
                    turns.want(Delivery.AGAIN);
                }
                case "pause" -> {
                    paused = true;
                    pausable = false;
                }
                case "resume" -> {
                    paused = false;
                    turns.next();
                }
                case "reject" -> {
                    rejections++;
                    rejecting = true;
                }
                default -> end();
            }
        }

        /** Nothing more happens but what must. */
        void settle() {
            if (paused) {
                step("resume");
            }
            rejecting = false;
            finish();
            if (!ended) {
                assertEquals(arrivals, seen, () -> "bytes that nobody was told of: " + trace);
                step("end");
                finish();
            }
            assertTrue(closed, () -> "never closed: " + trace);
            assertFalse(turns.isOut());
            assertFalse(turns.isWaiting());
        }

        private void finish() {
            while (!loop.isEmpty() || !worker.isEmpty() || !later.isEmpty()) {
                step(!loop.isEmpty() ? "loop" : !worker.isEmpty() ? "worker" : "later");
            }
        }
    }

    private long runs;

    private World replay(Refusal policy, List<String> path) {
        World world = new World(policy);
        path.forEach(world::step);
        return world;
    }

    private void explore(Refusal policy, List<String> path) {
        List<String> possible = path.size() < DEPTH ? replay(policy, path).possible() : List.of();
        runs++;
        replay(policy, path).settle();
        for (String next : possible) {
            path.add(next);
            explore(policy, path);
            path.remove(path.size() - 1);
        }
    }

    @Test
    void noOrderOfEventsLosesBytesOrCallsTwiceAtATime() {
        for (Refusal policy : Refusal.values()) {
            explore(policy, new ArrayList<>());
        }
        assertTrue(runs > 10_000, "explored only " + runs);
    }

    @Test
    void aLoopThatEndsDuringACallIsNotMissed() {
        World world = new World(Refusal.CLOSE);
        world.step("end");
        world.loopEnded = true;
        world.step("worker");
        assertTrue(world.closed);
    }
}
