package io.netpark.bench.run;

import io.netpark.bench.machine.Cores;
import io.netpark.bench.server.Security;
import io.netpark.bench.server.Service;
import io.netpark.bench.server.Service.Mode;
import io.netpark.bench.tls.EngineKind;
import io.netpark.bench.tls.SelfSigned;
import io.netpark.core.sys.Binding;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A server of TLS, and whose engine does the work.
 *
 * @param engine null if the server has one of its own
 */
public record TlsContender(Contender server, @Nullable EngineKind engine) implements Entrant {

    /** Netty with the engine of the JDK. */
    public static final TlsContender NETTY_JDK = new TlsContender(Contender.NETTY, EngineKind.JDK);
    /** Netty with OpenSSL. */
    public static final TlsContender NETTY_OPENSSL = new TlsContender(Contender.NETTY, EngineKind.OPENSSL);
    /** nginx with the OpenSSL of this machine. */
    public static final TlsContender NGINX = new TlsContender(Contender.NGINX, null);

    /** All that there are. */
    public static List<TlsContender> all() {
        List<TlsContender> all = new ArrayList<>(List.of(NGINX));
        for (EngineKind engine : EngineKind.values()) {
            for (Contender server : Contender.values()) {
                if (server.speaksTls() && server.isJvm()) {
                    all.add(new TlsContender(server, engine));
                }
            }
        }
        return all;
    }

    /** Those that are compared unless others are asked for: of Netpark and its bindings the one that a user gets. */
    public static List<TlsContender> usual() {
        Binding best = Binding.FFM.unavailability() == null ? Binding.FFM : Binding.JNA;
        return all().stream().filter(each -> each.engine != EngineKind.CONSCRYPT)
                .filter(each -> each.binding() == null || each.binding() == best).toList();
    }

    /** Whether it does this, encrypted. */
    public boolean does(Mode mode) {
        return mode == Mode.HTTP ? server.speaksHttp() : server != Contender.NGINX;
    }

    /** The certificate of all of them. */
    public static Path certificate() {
        return SelfSigned.file(Folders.target());
    }

    /** Starts its process. */
    public ServerProcess start(Service service, Cores cores, List<String> jvmFlags) {
        return ServerProcess.start(this, command(service, jvmFlags), cores, "tls-" + label());
    }

    private List<String> command(Service service, List<String> jvmFlags) {
        if (engine == null) {
            return Nginx.tlsCommand(SelfSigned.read(certificate()));
        }
        List<String> flags = new ArrayList<>(jvmFlags);
        flags.addAll(Security.properties(engine, certificate()));
        return server.command(service, flags);
    }

    @Override
    public String label() {
        return engine == null ? server.label() : server.label(engine.label());
    }

    @Override
    public Optional<String> absence() {
        return server.absence().or(() -> engine == null ? Optional.empty() : engine.absence());
    }

    @Override
    public boolean isJvm() {
        return server.isJvm();
    }

    @Override
    public @Nullable Binding binding() {
        return server.binding();
    }
}
