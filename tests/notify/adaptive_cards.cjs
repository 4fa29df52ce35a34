// Reads Adaptive Cards as a JSON list from standard input; writes what Microsoft's parser has to say about each.
const fs = require("node:fs");
const vm = require("node:vm");

const [file] = process.argv.slice(2);
const library = { exports: {} };
vm.runInNewContext(fs.readFileSync(file, "utf8"), { module: library, exports: library.exports, self: {}, window: {}, console });
const { AdaptiveCard, SerializationContext, Version } = library.exports;

function complaints(json) {
    const card = new AdaptiveCard();
    const context = new SerializationContext(new Version(1, 6));
    card.parse(json, context);
    const parsing = Array.from({ length: context.eventCount }, (_, index) => context.getEventAt(index));
    return [...parsing, ...card.validateProperties().validationEvents].map((event) => event.message);
}

const cards = JSON.parse(fs.readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(cards.map(complaints)));
