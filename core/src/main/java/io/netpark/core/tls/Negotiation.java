package io.netpark.core.tls;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.BiFunction;
import javax.net.ssl.ExtendedSSLSession;
import javax.net.ssl.SNIMatcher;
import javax.net.ssl.SNIServerName;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLSession;
import javax.net.ssl.StandardConstants;
import org.jspecify.annotations.Nullable;

/**
 * What is known of one handshake of an engine of the JDK: the name that the client asks for, and whether certificates were
 * sent. The engine calls it to match the name and to choose the application protocol, and hands it out as its selector, so
 * whoever gets the engine can find it.
 *
 * <p>A session would be the place for notes otherwise. But a JDK server that finds something in a session makes no stateless
 * ticket of it, and keeps the session in memory: see {@link #keepSession}.
 */
final class Negotiation extends SNIMatcher implements BiFunction<SSLEngine, List<String>, @Nullable String> {

    /** What is put into a session that is to be kept. */
    private static final String KEPT = "io.netpark.kept";

    private static final boolean RESTORES_CERTIFICATES = Runtime.version().feature() > 17;

    private final @Nullable ServerTls server;
    private final boolean observed;

    /** By the engine's thread or that of its task, one after the other. */
    private volatile @Nullable String requestedName;

    private volatile boolean certificates;

    /**
     * @param server null on clients
     * @param observed whether {@link #noteCertificate} is called
     */
    Negotiation(@Nullable ServerTls server, boolean observed) {
        super(StandardConstants.SNI_HOST_NAME);
        this.server = server;
        this.observed = observed;
    }

    private static @Nullable Negotiation of(@Nullable SSLEngine engine) {
        return engine != null && Engines.isOfJdk(engine) && engine.getHandshakeApplicationProtocolSelector() instanceof Negotiation own
                ? own : null;
    }

    @Override
    public boolean matches(SNIServerName asked) {
        String name = text(asked);
        requestedName = name;
        return server == null || server.accepts(name);
    }

    /** Of the name as it was sent: an exotic one must do no harm. */
    static String text(SNIServerName asked) {
        return HostName.plain(new String(asked.getEncoded(), StandardCharsets.ISO_8859_1));
    }

    @Override
    public @Nullable String apply(SSLEngine engine, List<String> offered) {
        return server == null ? "" : server.select(engine, offered);
    }

    /**
     * This side chooses or checks a certificate, so this handshake makes a new session. A JDK server also chooses one to
     * compare it with that of a ticket, but has no session at that time.
     */
    static void noteCertificate(@Nullable SSLEngine engine) {
        Negotiation negotiation = of(engine);
        if (engine != null && negotiation != null && engine.getHandshakeSession() != null) {
            negotiation.certificates = true;
        }
    }

    /**
     * Lets a server of the JDK keep the session of this handshake in its cache, and not in a ticket that the client keeps. When
     * a ticket comes back, the server of JDK 25, but not of 17, asks for the certificate before it has read which name the
     * client wants, and refuses the ticket if it gets another one. So a ticket would be of no use with any certificate but the
     * default. In TLS 1.2 neither is of use then, as a client that takes tickets is not looked up in the cache.
     */
    static void keepSession(@Nullable SSLEngine engine) {
        SSLSession session = engine == null || of(engine) == null ? null : engine.getHandshakeSession();
        if (session != null && RESTORES_CERTIFICATES && session.getProtocol().equals("TLSv1.3")) {
            session.putValue(KEPT, Boolean.TRUE);
        }
    }

    /** The name that the client asks for, in the middle of a server's handshake or after it; null if it does not. */
    static @Nullable String requestedName(@Nullable SSLEngine engine) {
        Negotiation negotiation = of(engine);
        if (negotiation != null) {
            return negotiation.requestedName;
        }
        try {
            SSLSession session = engine == null ? null : engine.getHandshakeSession();
            if (session == null && engine != null) {
                session = engine.getSession();
            }
            if (session instanceof ExtendedSSLSession extended) {
                for (SNIServerName name : extended.getRequestedServerNames()) {
                    if (name.getType() == StandardConstants.SNI_HOST_NAME) {
                        return text(name);
                    }
                }
            }
        } catch (UnsupportedOperationException e) {
            // This engine does not tell.
        }
        return null;
    }

    /** Whether the handshake that is over has resumed a session; null if this engine does not tell. */
    static @Nullable Boolean hasResumed(SSLEngine engine) {
        Negotiation negotiation = of(engine);
        return negotiation == null || !negotiation.observed ? null : !negotiation.certificates;
    }
}
