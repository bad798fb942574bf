package io.netpark.bench.ktor;

import io.netpark.bench.ktor.KtorShape.What;
import io.netpark.bench.machine.Cores;
import io.netpark.bench.run.Entrant;
import io.netpark.bench.run.Jvm;
import io.netpark.bench.run.ServerProcess;
import io.netpark.bench.server.Serve;
import io.netpark.core.sys.Binding;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** An engine of Ktor, under the same application; and what it is compared with. */
public enum KtorContender implements Entrant {
    /** What Ktor itself costs, without a network. */
    NULL("null", "io.netpark.bench.ktor.NullEngine", null),
    /** What the greeting costs without Ktor: the http sample. */
    SAMPLE("http-sample", "netpark-coroutine", null),
    NETTY("netty", "io.ktor.server.netty.Netty", null),
    CIO("cio", "io.ktor.server.cio.CIO", null),
    NETPARK_FFM("netpark", "io.netpark.ktor.Netpark", Binding.FFM),
    NETPARK_JNA("netpark", "io.netpark.ktor.Netpark", Binding.JNA);

    private final String label;
    private final String engine;
    private final @Nullable Binding binding;

    KtorContender(String label, String engine, @Nullable Binding binding) {
        this.label = label;
        this.engine = engine;
        this.binding = binding;
    }

    /** All that there are. */
    public static List<KtorContender> all() {
        return List.of(values());
    }

    /** Which Ktor it runs with. */
    public String version() {
        return this == SAMPLE ? "–" : this == NETTY ? Beside.KTOR_OF_NETTY : Beside.KTOR;
    }

    /** Whether it has HTTPS. */
    public boolean speaksTls() {
        return this != CIO;
    }

    /** Whether it is at the end of a network. */
    public boolean serves() {
        return this != NULL;
    }

    /** Whether Ktor is in it. */
    public boolean isOfKtor() {
        return this != SAMPLE;
    }

    /** Whether it takes part. */
    public boolean canPlay(KtorShape shape) {
        return shape.encrypted() ? speaksTls() && isOfKtor() : isOfKtor() || shape.what() == What.PLAINTEXT;
    }

    /**
     * Starts its process.
     *
     * @param file what it serves at {@code /file}
     * @param certificate null if it speaks plain HTTP
     */
    public ServerProcess start(Path file, @Nullable Path certificate, Cores cores) {
        List<String> properties = Entrant.properties(List.of(), binding);
        if (this == SAMPLE) {
            String path = System.getProperty("java.class.path");
            return ServerProcess.start(this, Jvm.command(path, properties, Serve.class, engine, "http", "1", "512"), cores, label);
        }
        List<String> arguments = new ArrayList<>(List.of(engine, file.toString()));
        if (certificate != null) {
            arguments.add(certificate.toString());
        }
        String classPath = this == NETTY ? Beside.classPath() : System.getProperty("java.class.path");
        List<String> command = Jvm.command(classPath, properties, ServeKtor.class, arguments.toArray(String[]::new));
        return ServerProcess.start(this, command, cores, "ktor-" + label());
    }

    @Override
    public String label() {
        return Entrant.label(label, binding);
    }

    @Override
    public Optional<String> absence() {
        if (this == NETTY) {
            return Beside.absence();
        }
        return binding == null ? Optional.empty() : Optional.ofNullable(binding.unavailability());
    }

    @Override
    public boolean isJvm() {
        return true;
    }

    @Override
    public @Nullable Binding binding() {
        return binding;
    }
}
