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
