package io.netpark.core.tls;

import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.Provider;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLSessionContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedTrustManager;
import javax.net.ssl.X509TrustManager;
import org.jspecify.annotations.Nullable;

/**
 * An {@code SSLContext} that is made of certificates and keys, and made anew when others are trusted. New keys do not need a new
 * one: see {@link KeyChoice}.
 */
final class OwnContext implements Origin {

    /** What it is made of. */
    record Parts(
            List<IdentitySource> identities,
            List<TrustSource> trust,
            @Nullable X509TrustManager trustManager,
            boolean trustsAnyone,
            @Nullable Provider provider,
            boolean resumes,
            int sessionSeconds,
            int sessionCacheSize) {}

    private final Parts parts;
    final KeyChoice keys;

    private volatile Trusting trusting;
    private volatile FileStates loaded;

    /**
     * What changes with those who are trusted.
     *
     * @param authorities those whose certificates are trusted; empty if a trust manager decides
     */
    private record Trusting(SSLContext context, @Nullable TrustManager manager, Set<X509Certificate> authorities) {}

    /** @throws TlsConfigurationException if a file is of no use */
    OwnContext(Parts parts) {
        this.parts = parts;
        loaded = FileStates.of(files()); // first: what changes while it is read has changed
        keys = new KeyChoice(readIdentities());
        trusting = trusting(readAuthorities());
    }

    private List<Identity> readIdentities() {
        List<Identity> read = new ArrayList<>();
        for (IdentitySource source : parts.identities) {
            read.addAll(source.load());
        }
        return read;
    }

    private Set<X509Certificate> readAuthorities() {
        Set<X509Certificate> read = new HashSet<>();
        for (TrustSource source : parts.trust) {
            read.addAll(source.load());
        }
        if (read.isEmpty() && !parts.trust.isEmpty()) {
            throw new TlsConfigurationException("the JDK trusts nobody: its file cacerts is missing or empty, or the system property"
                    + " javax.net.ssl.trustStore names another");
        }
        return read;
    }

    private Trusting trusting(Set<X509Certificate> authorities) {
        TrustManager manager = null;
        if (parts.trustsAnyone) {
            manager = new TrustCheck(null);
        } else {
            X509TrustManager given = parts.trustManager;
            if (given == null && !authorities.isEmpty()) {
                given = TrustSource.manager(authorities);
            }
            // One that is not extended is left to the JDK, which adds the check of the name.
            manager = given instanceof X509ExtendedTrustManager extended ? new TrustCheck(extended) : given;
        }
        return new Trusting(context(manager), manager, authorities);
    }

    private SSLContext context(@Nullable TrustManager manager) {
        SSLContext context;
        try {
            context = parts.provider == null ? SSLContext.getInstance("TLS") : SSLContext.getInstance("TLS", parts.provider);
            // An empty array and not null: null stands for what the JDK would take.
            context.init(new KeyManager[] {keys}, manager == null ? new TrustManager[0] : new TrustManager[] {manager}, null);
        } catch (GeneralSecurityException e) {
            throw new TlsConfigurationException("the provider " + parts.provider + " makes no context for TLS: " + e.getMessage(), e);
        }
        boundSessions(context, parts.sessionSeconds, parts.sessionCacheSize);
        return context;
    }

    /** @param seconds 0 to leave it at what it is, as {@code size} */
    static void boundSessions(SSLContext context, int seconds, int size) {
        for (SSLSessionContext sessions : List.of(context.getServerSessionContext(), context.getClientSessionContext())) {
            if (seconds > 0) {
                sessions.setSessionTimeout(seconds);
            }
            if (size > 0) {
                sessions.setSessionCacheSize(size);
            }
        }
    }

    /** One for a connection to the host, whose sessions a client of the JDK resumes only if it knows both. */
    static SSLEngine engine(SSLContext context, @Nullable String host, int port) {
        return host == null ? context.createSSLEngine() : context.createSSLEngine(host, port);
    }

    @Override
    public SSLEngine engine(@Nullable String host, int port) {
        Trusting now = trusting;
        // Sessions belong to a context. A context for each connection is the one way not to resume any that all providers have.
        return engine(parts.resumes ? now.context : context(now.manager), host, port);
    }

    @Override
    public Abilities abilities(Tls.Side side) {
        return Abilities.of(trusting.context, side);
    }

    @Override
    public List<Identity> identities() {
        return keys.identities();
    }

    @Override
    public boolean isObserved() {
        TrustManager manager = trusting.manager;
        return manager == null || manager instanceof TrustCheck;
    }

    /** Whether its engines are the JDK's. */
    boolean isOfJdk() {
        return trusting.context.getProvider().getName().equals("SunJSSE");
    }

    @Override
    public boolean knows(String name) {
        return keys.knows(name);
    }

    @Override
    public synchronized void reload() {
        FileStates states = FileStates.of(files());
        List<Identity> identities = readIdentities();
        Set<X509Certificate> authorities = readAuthorities();
        // Peers whose authority is not trusted any more must not resume what they have.
        Trusting next = authorities.equals(trusting.authorities) ? trusting : trusting(authorities);
        keys.replace(identities);
        trusting = next;
        loaded = states;
    }

    @Override
    public List<Path> files() {
        Set<Path> files = new LinkedHashSet<>();
        parts.identities.forEach(source -> files.addAll(source.files()));
        parts.trust.forEach(source -> files.addAll(source.files()));
        return List.copyOf(files);
    }

    @Override
    public FileStates loaded() {
        return loaded;
    }
}
