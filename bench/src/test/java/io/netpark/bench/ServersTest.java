package io.netpark.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.netpark.bench.machine.Cores;
import io.netpark.bench.run.Contender;
import io.netpark.bench.run.Encrypted;
import io.netpark.bench.run.FileContender;
import io.netpark.bench.run.LoadProcess;
import io.netpark.bench.run.LoadProcess.Done;
import io.netpark.bench.run.ServerProcess;
import io.netpark.bench.run.Shape;
import io.netpark.bench.run.TlsContender;
import io.netpark.bench.server.Service;
import io.netpark.bench.server.Service.Mode;
import io.netpark.bench.tls.Protocol;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Every server does what every shape asks of it. The generator compares the bytes; nothing is measured. */
@Timeout(120)
class ServersTest {

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
    @EnumSource(value = Contender.class, names = "NGINX", mode = EnumSource.Mode.EXCLUDE)
    void echoesAndSurvivesChurn(Contender contender) {
        assumeTrue(contender.absence().isEmpty());
        Shape.Echo small = new Shape.Echo("small", 20, 0, 1024, 1);
        try (ServerProcess server = ServerProcess.start(contender, small.service(), ANYWHERE)) {
            assertWorks(small, server);
            assertWorks(new Shape.Echo("large", 3, 0, 65_536, 1), server);
            assertWorks(new Shape.Echo("pipelined", 3, 0, 128, 16), server);
            assertWorks(new Shape.Churn("churn", 10, 128), server);
            assertTrue(server.allocated() >= 0);
        }
    }

    @ParameterizedTest
    @EnumSource(value = Contender.class, names = "NGINX", mode = EnumSource.Mode.EXCLUDE)
    void streams(Contender contender) {
        assumeTrue(contender.absence().isEmpty());
        Shape.Stream stream = new Shape.Stream("stream", 2, 1 << 20);
        try (ServerProcess server = ServerProcess.start(contender, stream.service(), ANYWHERE)) {
            assertWorks(stream, server);
        }
    }

    @ParameterizedTest
    @MethodSource("senders")
    void sendsFiles(FileContender sender) {
        assumeTrue(sender.absence().isEmpty(), () -> sender.label() + ": " + sender.absence().orElseThrow());
        Shape.Download download = new Shape.Download("file", 2, 5_000_001);
        try (ServerProcess server = sender.start(download, ANYWHERE)) {
            assertWorks(download, server);
            assertEquals(sender.isJvm(), server.allocated() > 0);
        }
    }

    static Stream<FileContender> senders() {
        return Contender.ofFiles().stream().flatMap(server -> FileContender.of(server).stream());
    }

    @ParameterizedTest
    @EnumSource(value = Contender.class, names = {"FLOOR", "NETTY", "COROUTINE_.*", "CALLBACK_.*"},
            mode = EnumSource.Mode.MATCH_ANY)
    void answersFrames(Contender contender) {
        assumeTrue(contender.absence().isEmpty());
        Shape.Frames frames = new Shape.Frames("frames", 10, 1024, 8);
        try (ServerProcess server = ServerProcess.start(contender, frames.service(), ANYWHERE)) {
            assertWorks(frames, server);
            assertWorks(new Shape.Frames("large", 3, 300_000, 2), server);
        }
    }

    @ParameterizedTest
    @EnumSource(value = Contender.class, names = "NGINX", mode = EnumSource.Mode.EXCLUDE)
    void tellsTheTime(Contender contender) {
        assumeTrue(contender.absence().isEmpty());
        try (ServerProcess server = ServerProcess.start(contender, new Service(Mode.STAMP, 1, 64), ANYWHERE)) {
            assertEquals(100, load.stamp(server.port(), 100, 10).requests());
        }
    }

    @ParameterizedTest
    @EnumSource(Contender.class)
    void servesPages(Contender contender) {
        assumeTrue(contender.speaksHttp());
        assumeTrue(contender.absence().isEmpty(), () -> contender.absence().orElseThrow());
        Shape.Http pages = new Shape.Http("pages", 20, 1);
        try (ServerProcess server = ServerProcess.start(contender, pages.service(), ANYWHERE)) {
            assertWorks(pages, server);
            assertWorks(new Shape.Http("pipelined", 5, 16), server);
            assertTrue(server.allocated() >= 0);
        }
    }

    @ParameterizedTest
    @MethodSource("securely")
    void encrypts(TlsContender contender) {
        assumeTrue(contender.absence().isEmpty(), () -> contender.label() + ": " + contender.absence().orElseThrow());
        Shape.Echo small = new Shape.Echo("small", 20, 0, 1024, 1);
        try (ServerProcess server = contender.start(small.service(), ANYWHERE, List.of())) {
            for (Protocol protocol : Protocol.values()) {
                assertWorks(new Encrypted.Handshakes("full", 4, protocol, false), server);
                assertWorks(new Encrypted.Handshakes("resumed", 4, protocol, true), server);
                if (contender.does(Mode.ECHO)) {
                    assertWorks(new Encrypted(small, protocol), server);
                    assertWorks(new Encrypted(new Shape.Echo("large", 3, 0, 65_536, 1), protocol), server);
                    assertWorks(new Encrypted(new Shape.Echo("pipelined", 3, 0, 128, 16), protocol), server);
                }
            }
        } finally {
            load.plain();
        }
    }

    @ParameterizedTest
    @MethodSource("securely")
    void streamsAndServesPagesEncrypted(TlsContender contender) {
        assumeTrue(contender.absence().isEmpty(), () -> contender.label() + ": " + contender.absence().orElseThrow());
        for (Shape shape : List.of(new Shape.Stream("stream", 2, 1 << 20), new Shape.Http("page", 10, 1))) {
            if (contender.does(shape.service().mode())) {
                try (ServerProcess server = contender.start(shape.service(), ANYWHERE, List.of())) {
                    assertWorks(new Encrypted(shape, Protocol.TLS_1_3), server);
                } finally {
                    load.plain();
                }
            }
        }
    }

    static List<TlsContender> securely() {
        return TlsContender.usual();
    }

    private static void assertWorks(Shape any, ServerProcess server) {
        Shape shape = any.toward(server.contender());
        shape.open(load, server.port());
        Done done = shape.run(load, server.port(), MILLIS);
        shape.close(load);
        assertTrue(done.requests() > 0 && done.bytes() > 0, shape.label());
    }
}
