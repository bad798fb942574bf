package io.netpark.bench.run;

import io.netpark.bench.dial.Dials;
import io.netpark.bench.machine.BenchFailure;
import io.netpark.bench.server.Serve;
import io.netpark.bench.server.Service;
import io.netpark.core.sys.Binding;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What is compared. */
public enum Contender implements Entrant {
    FLOOR("floor", null),
    NETTY("netty", null),
    NIO("nio", null),
    VT("vt", null),
    KTOR("ktor", null),
    /** Of HTTP and files only. */
    NGINX("nginx", null),
    COROUTINE_FFM("netpark-coroutine", Binding.FFM),
    CALLBACK_FFM("netpark-callback", Binding.FFM),
    COROUTINE_JNA("netpark-coroutine", Binding.JNA),
    CALLBACK_JNA("netpark-callback", Binding.JNA),
    /** For those who ask for it by name: what counting costs. */
    METERED_FFM("netpark-metered", Binding.FFM),
    METERED_JNA("netpark-metered", Binding.JNA),
    /** For those who ask for it by name, and for {@code looking}: what all that can watch it costs. */
    OBSERVED_FFM("netpark-observed", Binding.FFM),
    OBSERVED_JNA("netpark-observed", Binding.JNA),
    /** For those who ask for them by name: what a change costs, measured in one run. See {@link Before}. */
    BEFORE_COROUTINE_FFM("netpark-coroutine", Binding.FFM, true),
    BEFORE_CALLBACK_FFM("netpark-callback", Binding.FFM, true),
    BEFORE_COROUTINE_JNA("netpark-coroutine", Binding.JNA, true),
    BEFORE_CALLBACK_JNA("netpark-callback", Binding.JNA, true);

    private static final int FIRST_JDK_WITH_VIRTUAL_THREADS = 21;

    private final String server;
    private final @Nullable Binding binding;
    /** Whether it is of an earlier build. */
    private final boolean before;

    Contender(String server, @Nullable Binding binding) {
        this(server, binding, false);
    }

    Contender(String server, @Nullable Binding binding, boolean before) {
        this.server = server;
        this.binding = binding;
        this.before = before;
    }

    /** Those that are compared unless others are asked for. */
    public static List<Contender> usual() {
        return Arrays.stream(values())
                .filter(contender -> contender != NGINX && !contender.isWatched() && !contender.before).toList();
    }

    /** Whether it is {@code netpark-callback} with something on that watches it. */
    public boolean isWatched() {
        return server.equals("netpark-metered") || server.equals("netpark-observed");
    }

    /** Those that send files. */
    public static List<Contender> ofFiles() {
        return Arrays.stream(values()).filter(Contender::sendsFiles).toList();
    }

    /** Those whose start is measured: JVMs, with what they cost beside the JDK's own. */
    public static List<Contender> ofStarts() {
        return List.of(NIO, NETTY, COROUTINE_FFM, CALLBACK_FFM, COROUTINE_JNA, CALLBACK_JNA);
    }

    /** Those that are servers of HTTP. */
    public static List<Contender> ofHttp() {
        return Arrays.stream(values()).filter(Contender::speaksHttp).toList();
    }

    /** Whether there is an HTTP server of it. */
    public boolean speaksHttp() {
        return this == NGINX || this == NETTY || this == KTOR || !before && server.equals("netpark-coroutine");
    }

    /** Whether there is a server of TLS of it. */
    public boolean speaksTls() {
        return this == NGINX || this == NETTY || isNetparkNow();
    }

    @Override
    public boolean isJvm() {
        return this != FLOOR && this != NGINX;
    }

    @Override
    public String label() {
        return Entrant.label(before ? server.replace("netpark", "before") : server, binding);
    }

    /** As {@link #label()}, when it does something in one of several ways. */
    String label(String way) {
        return Entrant.label(server + "-" + way, binding);
    }

    @Override
    public Optional<String> absence() {
        if (this == FLOOR && Floor.program().isEmpty()) {
            return Optional.of("there is no working cc, so there is no floor and no ratio");
        }
        if (this == NGINX && Nginx.program().isEmpty()) {
            return Optional.of("it is not installed");
        }
        if (this == VT && Jvm.feature() < FIRST_JDK_WITH_VIRTUAL_THREADS) {
            return Optional.of("virtual threads need JDK 21 or newer");
        }
        if (before && Before.classPath() == null) {
            return Optional.of("no earlier build is named by " + Before.VARIABLE);
        }
        return binding == null ? Optional.empty() : Optional.ofNullable(binding.unavailability());
    }

    /** The command of its process; later JVM flags override the common ones. */
    public List<String> command(Service service, List<String> jvmFlags) {
        String mode = service.mode().name().toLowerCase(Locale.ROOT);
        String block = Integer.toString(service.block());
        String buffer = Integer.toString(service.buffer());
        if (this == FLOOR) {
            Path program = Floor.program().orElseThrow();
            return List.of(program.toString(), mode, block, buffer);
        }
        if (this == NGINX) {
            return Nginx.command(service);
        }
        List<String> properties = Entrant.properties(jvmFlags, binding);
        return before ? Before.command(properties, Serve.class, server, mode, block, buffer)
                : Jvm.command(properties, Serve.class, server, mode, block, buffer);
    }

    /** The command of its process as a dialer. */
    List<String> dialCommand() {
        return Jvm.command(Entrant.properties(List.of(), binding), Dials.class, server);
    }

    /** Whether there is a dialer of it. */
    public boolean dials() {
        return this == NETTY || this == NIO || isNetparkNow();
    }

    /** Whether it sends files. */
    public boolean sendsFiles() {
        return this == NGINX || this == NETTY || isNetparkNow();
    }

    private boolean isNetparkNow() {
        return !before && (server.equals("netpark-coroutine") || server.equals("netpark-callback"));
    }

    @Override
    public @Nullable Binding binding() {
        return binding;
    }

    /** The one with that label. */
    public static Contender of(String label) {
        for (Contender contender : values()) {
            if (contender.label().equals(label)) {
                return contender;
            }
        }
        throw new BenchFailure("there is no server " + label + "; there are "
                + String.join(", ", Arrays.stream(values()).map(Contender::label).toList()));
    }
}
