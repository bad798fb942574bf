package io.netpark.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.netpark.bench.machine.Cores;
import io.netpark.bench.proxy.ProxyContender;
import io.netpark.bench.proxy.Upstream;
import io.netpark.bench.run.LoadProcess;
import io.netpark.bench.run.LoadProcess.Done;
import io.netpark.bench.run.ServerProcess;
import io.netpark.bench.run.Shape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Every proxy passes on every byte, few and many, and closes what its clients have left. The generator compares. */
@Timeout(120)
class ProxiesTest {

    private static final Cores ANYWHERE = new Cores(-1, -1);
    private static final long MILLIS = 100;

    private static LoadProcess load;

    @BeforeAll
    static void start() {
        load = LoadProcess.start(ANYWHERE);
    }

    @AfterAll
    static void end() {
        load.close();
    }

    @ParameterizedTest
    @EnumSource(ProxyContender.class)
    void passesOnAStream(ProxyContender contender) throws Exception {
        assertPassesOn(contender, new Shape.Stream("stream", 2, 64 << 10));
    }

    @ParameterizedTest
    @EnumSource(ProxyContender.class)
    void passesOnRequestsAndAnswers(ProxyContender contender) throws Exception {
        assertPassesOn(contender, new Shape.Echo("small", 20, 0, 64, 1), new Shape.Echo("large", 3, 0, 1 << 20, 1));
    }

    private static void assertPassesOn(ProxyContender contender, Shape... shapes) throws Exception {
        assumeTrue(contender.absence().isEmpty(), () -> contender.label() + ": " + contender.absence().orElseThrow());
        try (ServerProcess upstream = Upstream.start(shapes[0].service(), ANYWHERE);
                ServerProcess proxy = contender.start(upstream.port(), ANYWHERE, List.of())) {
            long sockets = sockets(proxy.pid());
            for (Shape shape : shapes) {
                shape.open(load, proxy.port());
                Done done = shape.run(load, proxy.port(), MILLIS);
                shape.close(load);
                assertTrue(done.requests() > 0 && done.bytes() > 0, shape.label());
                awaitSockets(proxy, sockets);
            }
            assertEquals(contender.isJvm(), proxy.allocated() > 0);
            assertEquals(contender.isJvm(), proxy.heap() > 0);
            assertTrue(proxy.descriptors() >= sockets);
        }
    }

    private static void awaitSockets(ServerProcess proxy, long expected) throws IOException, InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (sockets(proxy.pid()) != expected && System.nanoTime() - end < 0) {
            Thread.sleep(10);
        }
        assertEquals(expected, sockets(proxy.pid()), () -> "sockets that " + proxy.contender().label() + " keeps");
    }

    private static long sockets(long pid) throws IOException {
        try (Stream<Path> descriptors = Files.list(Path.of("/proc/" + pid + "/fd"))) {
            return descriptors.filter(ProxiesTest::isSocket).count();
        }
    }

    private static boolean isSocket(Path descriptor) {
        try {
            return Files.readSymbolicLink(descriptor).toString().startsWith("socket:");
        } catch (IOException e) {
            return false; // closed meanwhile
        }
    }
}
