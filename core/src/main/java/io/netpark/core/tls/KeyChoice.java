package io.netpark.core.tls;

import java.net.Socket;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedKeyManager;
import org.jspecify.annotations.Nullable;

/**
 * Chooses the identity for a connection. The identities are replaced as a whole while connections come and go, so an
 * {@code SSLContext} and its sessions outlive a certificate.
 *
 * <p>On servers the name decides that the client asks for: an exact name before a wildcard, and both before the default. Among the
 * identities of a name the type of key decides that the engine asks for. If none is of this type, there is none: the engine
 * then asks for the next type.
 */
final class KeyChoice extends X509ExtendedKeyManager {

    private volatile Identities current;

    KeyChoice(List<Identity> identities) {
        current = new Identities(identities, null);
    }

    /** New handshakes choose among these. */
    synchronized void replace(List<Identity> identities) {
        current = new Identities(identities, current);
    }

    List<Identity> identities() {
        return current.all;
    }

    /** Whether there is an identity for the name that is not just the default. */
    boolean knows(String name) {
        return current.named(name) != null;
    }

    /** Identities that are in use together. */
    private static final class Identities {

        final List<Identity> all;
        private final int generation;
        private final Map<String, List<Identity>> byName = new HashMap<>();
        private final List<Identity> standard = new ArrayList<>();

        /**
         * By the alias that the engine is told. Those before these are here, too: a handshake may have been told such an alias
         * just now.
         */
        private final Map<String, Identity> byAlias = new HashMap<>();
        /** By the object: comparing certificates takes long, and an engine asks in each handshake. */
        private final Map<Identity, String> aliases = new IdentityHashMap<>();

        Identities(List<Identity> identities, @Nullable Identities before) {
            all = List.copyOf(identities);
            generation = before == null ? 0 : before.generation + 1;
            for (int i = 0; i < all.size(); i++) {
                Identity identity = all.get(i);
                String alias = generation + "." + i;
                byAlias.put(alias, identity);
                aliases.put(identity, alias);
                for (String name : identity.names()) {
                    byName.computeIfAbsent(name, key -> new ArrayList<>()).add(identity);
                }
            }
            if (before != null) {
                before.aliases.forEach((identity, alias) -> byAlias.put(alias, identity));
            }
            // The default, and what is for the same names with a key of another type.
            for (Identity identity : all) {
                if (identity == all.get(0) || identity.names().stream().anyMatch(all.get(0).names()::contains)) {
                    standard.add(identity);
                }
            }
        }

        @Nullable List<Identity> named(String name) {
            List<Identity> exact = byName.get(name);
            return exact != null ? exact : byName.get(HostName.wildcardOf(name));
        }

        List<Identity> forName(@Nullable String name) {
            List<Identity> named = name == null ? null : named(name);
            return named == null ? standard : named;
        }

        /** Of one of {@link #all}. */
        @Nullable String alias(Identity identity) {
            return aliases.get(identity);
        }
    }

    @Override
    public @Nullable String chooseEngineServerAlias(String keyType, Principal @Nullable [] issuers, @Nullable SSLEngine engine) {
        Identities identities = current;
        Negotiation.noteCertificate(engine);
        Identity chosen = first(identities.forName(Negotiation.requestedName(engine)), keyType);
        if (chosen == null) {
            return null;
        }
        if (chosen != first(identities.standard, keyType)) {
            Negotiation.keepSession(engine);
        }
        return identities.alias(chosen);
    }

    private static @Nullable Identity first(List<Identity> identities, String keyType) {
        for (Identity identity : identities) {
            if (identity.keyType().equals(keyType)) {
                return identity;
            }
        }
        return null;
    }

    @Override
    public @Nullable String chooseEngineClientAlias(String[] keyTypes, Principal @Nullable [] issuers, @Nullable SSLEngine engine) {
        Identities identities = current;
        for (String keyType : keyTypes) {
            for (Identity identity : identities.all) {
                if (identity.keyType().equals(keyType) && isSignedBy(identity, issuers)) {
                    return identities.alias(identity);
                }
            }
        }
        return null;
    }

    /** Whether one of the authorities that the server names has signed it, or the server names none. */
    private static boolean isSignedBy(Identity identity, Principal @Nullable [] authorities) {
        if (authorities == null || authorities.length == 0) {
            return true;
        }
        Set<Principal> accepted = Set.copyOf(Arrays.asList(authorities));
        return identity.chain().stream().anyMatch(certificate -> accepted.contains(certificate.getIssuerX500Principal()));
    }

    @Override
    public X509Certificate @Nullable [] getCertificateChain(String alias) {
        Identity identity = current.byAlias.get(alias);
        return identity == null ? null : identity.chain().toArray(new X509Certificate[0]);
    }

    @Override
    public @Nullable PrivateKey getPrivateKey(String alias) {
        Identity identity = current.byAlias.get(alias);
        return identity == null ? null : identity.key();
    }

    @Override
    public String @Nullable [] getServerAliases(String keyType, Principal @Nullable [] issuers) {
        return null; // engines choose
    }

    @Override
    public String @Nullable [] getClientAliases(String keyType, Principal @Nullable [] issuers) {
        return null;
    }

    @Override
    public @Nullable String chooseServerAlias(String keyType, Principal @Nullable [] issuers, @Nullable Socket socket) {
        return chooseEngineServerAlias(keyType, issuers, null);
    }

    @Override
    public @Nullable String chooseClientAlias(String[] keyTypes, Principal @Nullable [] issuers, @Nullable Socket socket) {
        return chooseEngineClientAlias(keyTypes, issuers, null);
    }
}
