package io.netpark.callback;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.serving.Shutdown;
import io.netpark.core.sys.Due;
import io.netpark.simulation.kernel.Network;
import io.netpark.simulation.kernel.SimulatedKernel;
import io.netpark.simulation.link.LinkConditions;
import io.netpark.simulation.schedule.Schedule;
import io.netpark.simulation.schedule.StuckException;
import io.netpark.simulation.schedule.Trace;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Servers and clients with callbacks on a simulated network, whose threads run in the order of a seed. */
@Timeout(120)
class ScheduledThreadsTest {

    private static final int PORT = 7000;

    @Test
    void oneSeedIsOneOrderOnLoops() throws Exception {
        oneSeedIsOneOrder(null);
    }

    @Test
    void oneSeedIsOneOrderOnWorkers() throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(4);
        try {
            oneSeedIsOneOrder(threads);
        } finally {
            threads.shutdown();
        }
    }

    private static void oneSeedIsOneOrder(@Nullable ExecutorService threads) throws Exception {
        Set<Long> fingerprints = new HashSet<>();
        for (long seed = 1; seed <= 8; seed++) {
            Trace first = conversation(seed, threads);
            Trace second = conversation(seed, threads);
            assertEquals(first.last(4096), second.last(4096), "seed " + seed);
            assertEquals(first.fingerprint(), second.fingerprint(), "seed " + seed);
            fingerprints.add(first.fingerprint());
        }
        assertTrue(fingerprints.size() > 4, "orders: " + fingerprints);
    }

    /** Three clients say something to a server, and hear it again. */
    private static Trace conversation(long seed, @Nullable ExecutorService threads) throws Exception {
        Schedule schedule = new Schedule(seed);
        Network network = new Network(schedule);
        SimulatedKernel serverKernel = network.host("server");
        SimulatedKernel clientKernel = network.host("client");
        network.between("server", "client", LinkConditions.IDEAL.withLatency(Duration.ofMillis(3)).withJitter(Duration.ofMillis(3)));
        InetSocketAddress address = new InetSocketAddress(network.address("server"), PORT);
        return schedule.run(() -> {
            CallbackServer.Builder builder = CallbackServer.builder().loops(loops -> configure(loops, "server", serverKernel))
                    .onRequest((connection, input) -> connection.write(copy(input)));
            if (threads != null) {
                builder.workers(Workers.on(schedule.over(threads)));
            }
            try (CallbackServer server = builder.listen(address);
                    CallbackClient client = CallbackClient.builder().loops(loops -> configure(loops, "client", clientKernel)).open()) {
                List<CompletableFuture<String>> answers = new ArrayList<>();
                for (String text : List.of("one", "two", "three")) {
                    answers.add(ask(client, address, text));
                }
                for (CompletableFuture<String> answer : answers) {
                    schedule.await(answer);
                }
                assertEquals("three", answers.get(2).get());
                schedule.await(() -> server.connections() == 0); // or the shutdown would find them in the order of the memory
                Shutdown.Report report = server.shutdown(Shutdown.within(Duration.ofSeconds(10)));
                assertEquals(0, report.cut());
            }
            return schedule.trace();
        });
    }

    private static CompletableFuture<String> ask(CallbackClient client, InetSocketAddress address, String text) {
        CompletableFuture<String> answer = new CompletableFuture<>();
        StringBuilder heard = new StringBuilder();
        Callbacks callbacks = Callbacks.builder()
                .onConnect(connection -> connection.write(StandardCharsets.UTF_8.encode(text)))
                .onRequest((connection, input) -> {
                    heard.append(StandardCharsets.UTF_8.decode(input));
                    if (heard.length() == text.length()) {
                        connection.close();
                    }
                })
                .onClose((connection, cause) -> answer.complete(heard.toString()))
                .build();
        client.dial(address, callbacks);
        return answer;
    }

    @Test
    void workersThatAwaitInputHaveTheirTurns() throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(4);
        try {
            assertEquals(patience(threads).fingerprint(), patience(threads).fingerprint());
        } finally {
            threads.shutdown();
        }
    }

    /** A callback waits for the second half of a question, which comes an hour later. */
    private static Trace patience(ExecutorService threads) throws Exception {
        Schedule schedule = new Schedule(3);
        Network network = new Network(schedule);
        SimulatedKernel serverKernel = network.host("server");
        SimulatedKernel clientKernel = network.host("client");
        InetSocketAddress address = new InetSocketAddress(network.address("server"), PORT);
        return schedule.run(() -> {
            CompletableFuture<String> heard = new CompletableFuture<>();
            try (CallbackServer server = CallbackServer.builder().loops(loops -> configure(loops, "server", serverKernel))
                            .workers(Workers.on(schedule.over(threads)))
                            .onInput((connection, input) -> {
                                connection.awaitInput(10);
                                heard.complete(input.takeString(10));
                            })
                            .listen(address);
                    CallbackClient client = CallbackClient.builder().loops(loops -> configure(loops, "client", clientKernel)).open()) {
                CallbackConnection connection = schedule.await(client.dial(address, Callbacks.builder().build()));
                connection.write(StandardCharsets.UTF_8.encode("first"));
                schedule.sleep(Duration.ofHours(1));
                connection.write(StandardCharsets.UTF_8.encode(" half"));
                assertEquals("first half", schedule.await(heard));
                connection.close();
                schedule.await(() -> server.connections() == 0);
                assertEquals(1, schedule.elapsed().toHours());
            }
            return schedule.trace();
        });
    }

    private static ByteBuffer copy(ByteBuffer input) {
        return ByteBuffer.allocate(input.remaining()).put(input).flip();
    }

    private static void configure(EventLoopGroup.Builder loops, String name, SimulatedKernel kernel) {
        loops.name(name).loops(2).daemon(true).libc(kernel).clock(kernel.clock()).watchdog(Due.INFINITE);
    }

    @Test
    void aFutureThatNobodyCompletesIsReported() {
        Schedule schedule = new Schedule(1);
        StuckException stuck = assertThrows(StuckException.class,
                () -> schedule.run(() -> schedule.await(new CompletableFuture<String>())));
        assertTrue(stuck.getMessage().contains("test 1 waits for a condition"), stuck.getMessage());
    }
}
