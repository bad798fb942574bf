package io.netpark.bench.server;

import io.netpark.bench.machine.BenchFailure;
import io.netpark.bench.tls.EngineKind;
import io.netpark.bench.tls.Protocol;
import io.netpark.bench.tls.SelfSigned;
import io.netpark.core.tls.EngineSource;
import io.netpark.core.tls.ServerTls;
import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import io.netty.util.ReferenceCountUtil;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/** Whether the connections of this process are encrypted, and by whose engine: as its JVM was told. All have the same cipher suites. */
public final class Security {

    private static final String ENGINE = "netpark.bench.tls.engine";
    private static final String CERTIFICATE = "netpark.bench.tls.certificate";
    private static final String ON_LOOP = "netpark.bench.tls.tasksOnLoop";
    private static final String[] PROTOCOLS = Arrays.stream(Protocol.values()).map(Protocol::label).toArray(String[]::new);
    private static final String[] SUITES = Arrays.stream(Protocol.values()).map(Protocol::suite).toArray(String[]::new);

    private Security() {}

    /** What a JVM is told. */
    public static List<String> properties(EngineKind engine, Path certificate) {
        return List.of("-D" + ENGINE + "=" + engine, "-D" + CERTIFICATE + "=" + certificate);
    }

    /** What a JVM is told, so that Netpark runs the tasks of handshakes on the loop, as Netty does by default. */
    public static String tasksOnLoop() {
        return "-D" + ON_LOOP + "=true";
    }

    private static @Nullable EngineKind engine() {
        String name = System.getProperty(ENGINE);
        return name == null ? null : EngineKind.valueOf(name.toUpperCase(Locale.ROOT));
    }

    private static SelfSigned identity() {
        return SelfSigned.read(Path.of(System.getProperty(CERTIFICATE)));
    }

    /** For Netty; null if nothing is encrypted. */
    static @Nullable SslContext forNetty() {
        EngineKind engine = engine();
        if (engine == null) {
            return null;
        }
        SslContextBuilder builder = SslContextBuilder.forServer(identity().key(), identity().certificate())
                .protocols(PROTOCOLS)
                .ciphers(List.of(SUITES));
        try {
            return (switch (engine) {
                case JDK -> builder.sslProvider(SslProvider.JDK);
                case CONSCRYPT -> builder.sslProvider(SslProvider.JDK).sslContextProvider(engine.provider());
                case OPENSSL -> builder.sslProvider(SslProvider.OPENSSL_REFCNT);
            }).build();
        } catch (SSLException e) {
            throw new BenchFailure(e.toString());
        }
    }

    /** For Netpark; null if nothing is encrypted. */
    public static @Nullable ServerTls forNetpark() {
        EngineKind engine = engine();
        if (engine == null) {
            return null;
        }
        ServerTls.Builder builder = ServerTls.builder();
        switch (engine) {
            case JDK -> builder.certificate(List.of(identity().certificate()), identity().key()).cipherSuites(SUITES);
            case CONSCRYPT -> builder.context(engine.context(identity()));
            case OPENSSL -> {
                SslContext context = forNetty();
                assert context != null;
                builder.engines(releasing(context));
            }
        }
        if (Boolean.getBoolean(ON_LOOP)) {
            builder.tasksOnLoop();
        }
        return builder.build();
    }

    private static EngineSource releasing(SslContext context) {
        return EngineSource.releasing(
                (host, port) -> context.newEngine(ByteBufAllocator.DEFAULT), ReferenceCountUtil::release);
    }
}
