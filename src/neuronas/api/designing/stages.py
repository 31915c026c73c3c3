"""The stages of a design: each calls the function of a command and writes the same files."""

import shutil
from contextlib import closing
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from typing import Any

from neuronas.api.designing.choice import Surveyed, n_with_weights_in_each_cell, smallest, survey_plan
from neuronas.api.designing.progress import Amounts, StageProgress
from neuronas.api.evaluating.chip import evaluate_on_chips, kept_chips
from neuronas.api.evaluating.evaluate import evaluate
from neuronas.api.evaluating.integer_accuracy import integers_of
from neuronas.api.reporting.export import EXPORTS, export
from neuronas.api.reporting.report import report
from neuronas.api.searching.finalist_training import Finals
from neuronas.api.searching.finalists import finals_of, learning_plan
from neuronas.api.searching.result import SearchResult, write_result
from neuronas.api.searching.search import Search
from neuronas.api.setup.chip_models import chip_of
from neuronas.api.setup.plan import Plan
from neuronas.api.setup.trained import read_images, read_trained
from neuronas.api.training.train import has_checkpoint, train
from neuronas.config import value_at, written
from neuronas.errors import ConfigurationError, InfeasibleError, VerificationError
from neuronas.runs.chip_evaluations import ChipEvaluation
from neuronas.runs.designs import CHOICE, FOLDER, Axes, Contender, SettingChoice, Stage
from neuronas.runs.directory import CONFIG, EVALUATION, HISTORY, RESULT, TRAINING, RunDirectory
from neuronas.runs.evaluations import Evaluation
from neuronas.runs.finalists import FINALISTS, Finalist, FinalistChoice
from neuronas.runs.history_file import HistorySnapshot
from neuronas.runs.results import TrainingResult
from neuronas.runs.work import Work
from neuronas.search.halving import fittest

SURVEY = "survey"


@dataclass(frozen=True)
class StageResults:
    """What the stages of a design found.

    Attributes:
        choice: the settings that were searched.
        answer: the answer, as the result of a search.
        finalists: trained finalists; None if there was only one candidate.
        evaluation: evaluation of the trained answer.
        no_integers: why it has no integer-only network; None if it has one.
        chips: evaluation on simulated chips, or why there is none.
        files: exported files, by name.
    """

    choice: SettingChoice
    answer: SearchResult
    finalists: FinalistChoice | None
    evaluation: Evaluation
    no_integers: str | None
    chips: ChipEvaluation | str
    files: dict[str, Path]


@dataclass(frozen=True)
class DesignStages:
    """The stages of one design.

    Attributes:
        run: settings of the design.
        axes: available choices.
        directory: directory of the design, which becomes the run of its answer.
        progress: progress of the design.
        chips_left_out: why no chips can be simulated; None if they can.
    """

    run: Plan
    axes: Axes
    directory: Path
    progress: StageProgress
    chips_left_out: str | None

    @property
    def folder(self) -> Path:
        """Folder of the candidates that the answer was chosen from."""
        return self.directory / FOLDER

    @property
    def _data(self) -> dict[str, Any]:
        """Images that exist only in memory and must be passed to every command."""
        return {"dataset": value_at(written(self.run.given), "data.name")} if self.run.passes_images else {}

    def results(self) -> StageResults:
        """Run all unfinished stages except the report."""
        choice = self.choose()
        found = self.search(choice)
        finals = self.finals(choice, found)
        answer = self.answer(found, finals)
        self.train()
        evaluation = self.evaluate()
        return StageResults(
            choice=choice,
            answer=answer,
            finalists=finals.choice if finals is not None else None,
            evaluation=evaluation,
            no_integers=None if evaluation.integer else self.why_no_integers(),
            chips=self.chips_left_out or self.chips(),
            files=self.export(),
        )

    def choose(self) -> SettingChoice:
        """Find the settings worth searching: one survey of the cells, then only costs.

        Raises:
            InfeasibleError: nothing fits; the message says why, and what would fit.
        """
        known = SettingChoice.read_if_there(self.folder / CHOICE)
        if known is not None:
            return known
        with self.progress.stage("feasibility"):
            if not n_with_weights_in_each_cell(self.run, self.axes):
                self._search_smallest()
        with self.progress.stage("survey"):
            plan = survey_plan(self.run, self.axes)
            self._search(plan, self.folder / SURVEY, "survey", plan.setting.text)
        choice = Surveyed.read(self.run, self.folder / SURVEY / HISTORY).choice(self.axes)
        if not choice.contenders:  # cells that fit are too rare for the survey to draw one
            choice = Surveyed.read(self.run, self._search_smallest() / HISTORY).choice(self.axes)
        if not choice.contenders:
            raise InfeasibleError("no surveyed cell fits the budget at any setting; expected a larger budget")
        choice.write(self.folder / CHOICE)
        return choice

    def search(self, choice: SettingChoice) -> list[SearchResult]:
        """Search cells at each setting."""
        found = []
        with self.progress.stage("search"):
            for number, one in enumerate(choice.searched, start=1):
                setting = one.setting
                where = f"{number} of {choice.n_searched}, {setting.text}"
                result = self._search(self.run.at(setting), self.folder / setting.folder, "search", where)
                if not result.was_finished:
                    self.progress.note(f"search {where}: fitness {result.fitness:.4g}, {result.text}")
                found.append(result)
        return found

    def finals(self, choice: SettingChoice, found: list[SearchResult]) -> Finals | None:
        """Prepare the finalists, the fittest of each setting; None if there is only one candidate."""
        ranked = self._finalists(choice.searched, found)
        asked = self.run.config.design.n_finalists
        with self.progress.stage("finalists"):
            finals = finals_of(self.run, ranked, asked, self.folder)
            self._expect(finals, found)
            if finals is not None and not finals.choice.is_complete:
                work = Work("finalists", self.folder, "images", self.progress.observer("finalists"))
                finals.run(work, inf)
        return finals

    def answer(self, found: list[SearchResult], finals: Finals | None) -> SearchResult:
        """Turn the directory into the run of the answer, like that of a finished search."""
        if finals is None:
            chosen = replace(found[0], directory=self.directory)
        else:
            leader = finals.choice.leader
            if leader is None or leader.setting is None:
                raise VerificationError(f"{self.folder / FINALISTS}: has no answer; remove it and --resume")
            of_setting = next(one for one in found if one.plan.setting == leader.setting)
            chosen = replace(of_setting, directory=self.directory).with_finalists(finals.choice)
        if not (self.directory / RESULT).is_file():
            is_begun = (self.directory / CONFIG).is_file()
            with RunDirectory(self.directory, chosen.plan.origin, resume=is_begun) as files:
                _copy(self.folder / chosen.plan.setting.folder / HISTORY, files.file(HISTORY))
                if finals is not None:
                    finals.choice.write(files.file(FINALISTS))
                write_result(chosen)
        return chosen

    def train(self) -> TrainingResult:
        """Train the answer completely, from its last checkpoint if there is one."""
        with self.progress.stage("training"):
            if TrainingResult.is_finished(self.directory / TRAINING):
                self.progress.skip_to_end_of("training")
                return TrainingResult.read(self.directory / TRAINING)
            resume = has_checkpoint(self.directory)
            return train(self.directory, resume=resume, observer=self.progress.observer("training"), **self._data)

    def evaluate(self) -> Evaluation:
        """Measure the trained network on the test images, if possible also in integer arithmetic."""
        with self.progress.stage("evaluation"):
            known = Evaluation.read_if_there(self.directory / EVALUATION)
            if known is not None:
                return known
            has_integers = self.why_no_integers() is None
            told = self.progress.observer("evaluation")
            return evaluate(self.directory, integer=has_integers, observer=told, **self._data)

    def why_no_integers(self) -> str | None:
        """Why the trained network has no integer-only network; None if it has one."""
        trained = read_trained(self.directory)
        try:
            integers_of(trained)
        except ConfigurationError as error:
            return str(error)
        return None

    def chips(self) -> ChipEvaluation:
        """Measure the trained network on simulated chips."""
        with self.progress.stage("chips"):
            known = ChipEvaluation.read_if_there(kept_chips(self.run, self.directory))
            n_chips = self.run.config.chip.n_chips
            if known is not None and known.n_chips == n_chips:
                return known
            told = self.progress.observer("chips")
            return evaluate_on_chips(self.directory, chips=n_chips, observer=told, **self._data)

    def export(self) -> dict[str, Path]:
        """Export the trained network in each format; the outputs of every file are compared with the network's."""
        with self.progress.stage("export"):
            for name in self.run.config.design.formats:
                if not (self.directory / EXPORTS / f"{name}.json").is_file():
                    export(self.directory, name, observer=self.progress.observer("export", name))
        return {f"export {name}": self.directory / EXPORTS for name in self.run.config.design.formats}

    def report(self) -> Path:
        """Write the page."""
        with self.progress.stage("report"):
            return report(self.directory).file

    def _search_smallest(self) -> Path:
        """Search the smallest setting; return its directory. If nothing fits, the error says why and what would fit."""
        setting = smallest(self.axes)
        place = self.folder / setting.folder
        try:
            self._search(self.run.at(setting), place, "feasibility", setting.text)
        except InfeasibleError as error:
            if error.advice is not None and error.advice.command is not None:
                command = error.advice.command.replace("neuronas search", "neuronas design", 1)
                error.advice = error.advice.model_copy(update={"command": command})
            raise
        return place

    def _search(self, plan: Plan, place: Path, stage: Stage, part: str) -> SearchResult:
        observer = self.progress.observer(stage, part)
        search = Search(place, plan, resume=(place / CONFIG).is_file())
        return search.run(observer, scan_images=False)

    def _finalists(self, contenders: tuple[Contender, ...], found: list[SearchResult]) -> tuple[Finalist, ...]:
        """The fittest of each setting in turn, then the second of each, and so on."""
        asked, ranked = self.run.config.design.n_finalists, []
        for one in contenders:
            with closing(HistorySnapshot(self.folder / one.setting.folder / HISTORY)) as history:
                own = fittest(history, asked)
            ranked.append([finalist.model_copy(update={"setting": one.setting}) for finalist in own])
        turns = [own[turn] for turn in range(asked) for own in ranked if turn < len(own)]
        return tuple(one.model_copy(update={"rank": rank}) for rank, one in enumerate(turns[:asked], start=1))

    def _expect(self, finals: Finals | None, found: list[SearchResult]) -> None:
        """Report the remaining work, as far as it is known before the answer is."""
        n_training, n_test = (len(read_images(self.run, split)) for split in ("train", "test"))
        weights = [one.plan.setting.channels * one.plan.setting.timesteps for one in found]
        learning, train = 0.0, self.run.config.train
        if finals is not None:
            n_images = min(n_training, learning_plan(self.run).config.train.n_images or n_training)
            n_images = round(n_images * (1 - self.run.config.search.finalist_validation))
            learning = finals.choice.n_epochs * n_images * sum(weights) / len(weights)
        n_chips = 0 if self.chips_left_out else self.run.config.chip.n_chips
        training = train.epochs * n_training * (1 - train.validation_share) * max(weights)
        self.progress.expect(Amounts.of(learning, training, n_test, n_chips, max(weights)))


def why_no_chips(run: Plan, axes: Axes) -> str | None:
    """Why chips of this kind cannot be simulated; None if they can."""
    try:
        for bits in axes.weight_bits:
            chip_of(run.at(smallest(axes).model_copy(update={"weight_bits": bits})))
    except ConfigurationError as error:
        return str(error)
    return None


def _copy(source: Path, target: Path) -> None:
    """Copy a file atomically."""
    beside = target.with_name(f".{target.name}.part")
    shutil.copyfile(source, beside)
    beside.replace(target)
